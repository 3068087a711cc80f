"""Small image files of every format, the pixels that Pillow reads of them, and how far they can be cut.

Reference: pillow 13.0.0
Writes: files
Test: crates/sd-image/tests/golden/image_files/mod.rs

For each `files/NAME` there is `files/NAME.want.png`; the lengths are in `files/readable_from.json`.
"""
import io
import json
import zlib
from pathlib import Path

from PIL import Image, ImageOps

HERE = Path(__file__).parent / "files"
WIDTH, HEIGHT = 24, 16


def source():
    """An image that no turn and no mirror leaves as it is."""
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata([(255 - 4 * y, 8 * x, 16 * (x // 8)) for y in range(HEIGHT) for x in range(WIDTH)])
    return image


def exif(orientation, prefix=b"", order="little"):
    magic = b"II*\0" if order == "little" else b"MM\0*"
    number = lambda value, size: value.to_bytes(size, order)
    entry = number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + b"\0\0"
    return prefix + magic + number(8, 4) + number(1, 2) + entry + number(0, 4)


def chunk(kind, data):
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def with_webp_prefix(webp):
    """The EXIF chunk with the six bytes before it that JPEG has, as some programs write it."""
    old = exif(8)
    at = webp.index(b"EXIF")
    new = exif(8, b"Exif\0\0")
    body = webp[8:at] + b"EXIF" + len(new).to_bytes(4, "little") + new + webp[at + 8 + len(old):]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def xmp(orientation, as_element):
    if as_element:
        inner = f'<rdf:Description rdf:about=""><tiff:Orientation>{orientation}</tiff:Orientation></rdf:Description>'
    else:
        inner = f'<rdf:Description rdf:about="" tiff:Orientation="{orientation}"/>'
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>{inner}</rdf:RDF></x:xmpmeta>'.encode()


image = source()
jpeg = dict(quality=95, subsampling=0)
webp = dict(lossless=True)
files = {f"exif-{i}.jpg": saved(image, "JPEG", exif=exif(i, b"Exif\0\0"), **jpeg) for i in (3, 6)}
files |= {f"exif-{i}.png": saved(image, "PNG", exif=exif(i, order="big")) for i in range(1, 9)}
files |= {f"exif-{i}.webp": saved(image, "WEBP", exif=exif(i), **webp) for i in (2, 7)}
end = chunk(b"IEND", b"")
late = saved(image, "PNG")
files["late-8.png"] = late.removesuffix(end) + chunk(b"eXIf", exif(8)) + end
files["prefix-8.webp"] = with_webp_prefix(saved(image, "WEBP", exif=exif(8), **webp))
files["xmp-6.jpg"] = saved(image, "JPEG", xmp=xmp(6, False), **jpeg)
files["xmp-8.webp"] = saved(image, "WEBP", xmp=xmp(8, True), **webp)
files["none.png"] = saved(image, "PNG")
files["alpha.png"] = saved(Image.merge("RGBA", (*image.split(), image.split()[1])), "PNG")
files["palette.png"] = saved(image.quantize(8), "PNG")
files["grey.jpg"] = saved(image.convert("L"), "JPEG", quality=80)
files["progressive.jpg"] = saved(image, "JPEG", progressive=True, **jpeg)
files["restarts.jpg"] = saved(image, "JPEG", restart_marker_blocks=1, quality=95, subsampling=2)
files["lossy.webp"] = saved(image, "WEBP", quality=90)

HERE.mkdir(exist_ok=True)
whole = {}
for name, data in files.items():
    (HERE / name).write_bytes(data)
    seen = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    (HERE / f"{name}.want.png").write_bytes(saved(seen, "PNG", optimize=True))

    def can_be_read(data):
        try:
            Image.open(io.BytesIO(data)).convert("RGB")
            return True
        except (OSError, SyntaxError, ValueError):
            return False

    whole[name] = next(cut for cut in range(len(data) + 1) if can_be_read(data[:cut]))
(HERE / "readable_from.json").write_text(json.dumps(whole, indent=1) + "\n")
