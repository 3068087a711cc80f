"""Small image files of every format, the pixels and alpha channels that Pillow reads of them, and how far they can be cut.

Reference: pillow 13.0.0
Writes: files
Test: crates/sd-image/tests/golden/image_files/mod.rs

For each `files/NAME` there is `files/NAME.want.png`, and `files/NAME.alpha.png` where it has an alpha channel; the lengths
are in `files/readable_from.json`. `luma.png` is what `convert("L")` makes of `none.png`.

Pillow takes the high byte of 16-bit samples, but clips grey ones at 255: what it reads of them is white. For them, the high
byte is wanted too.
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


def deep_png(colour_type, *bands):
    """A PNG of 16 bits: the high bytes are those of the bands, the low ones are large, so that rounding would show."""
    pixels = zip(*(band.tobytes() for band in bands))
    samples = [b"".join(bytes([value, 255 - value // 2]) for value in pixel) for pixel in pixels]
    rows = b"".join(b"\0" + b"".join(samples[y * WIDTH:(y + 1) * WIDTH]) for y in range(HEIGHT))
    size = WIDTH.to_bytes(4, "big") + HEIGHT.to_bytes(4, "big")
    header = chunk(b"IHDR", size + bytes([16, colour_type, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def ycck(image):
    """A JPEG of inverted CMYK, of which the first three are stored as Y, Cb and Cr: Adobe's transform 2."""
    cyan, magenta, yellow, black = image.split()
    # Pillow inverts all four when it writes them.
    inverted = [band.point(lambda value: 255 - value) for band in (cyan, magenta, yellow)]
    bands = Image.merge("RGB", inverted).convert("YCbCr").split()
    stored = [band.point(lambda value: 255 - value) for band in bands]
    data = saved(Image.merge("CMYK", (*stored, black)), "JPEG", quality=95, subsampling=0)
    at = data.index(b"Adobe") + 11
    assert data[at] == 0
    return data[:at] + b"\x02" + data[at + 1:]


def cmyk(image):
    """Some black in every pixel, and different in each."""
    red, green, blue = image.split()
    return Image.merge("CMYK", (red, green, blue, red.point(lambda value: (255 - value) // 2)))


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
red, green, blue = image.split()
rgba = Image.merge("RGBA", (red, green, blue, green))
files["grey.png"] = saved(red, "PNG")
files["grey-1-bit.png"] = saved(green.convert("1"), "PNG")
files["grey-alpha.png"] = saved(Image.merge("LA", (red, green)), "PNG")
files["grey-transparent.png"] = saved(green, "PNG", transparency=16)
files["palette-alpha.png"] = saved(image.quantize(8), "PNG", transparency=bytes([0, 100, 255, 50]))
files["deep-grey.png"] = deep_png(0, red)
files["deep-grey-alpha.png"] = deep_png(4, red, green)
files["deep-rgb.png"] = deep_png(2, red, green, blue)
files["deep-rgba.png"] = deep_png(6, red, green, blue, green)
files["cmyk.jpg"] = saved(cmyk(image), "JPEG", quality=95, subsampling=0)
files["ycck.jpg"] = ycck(cmyk(image))
files["turned-alpha.png"] = saved(rgba, "PNG", exif=exif(6))
files["alpha.webp"] = saved(rgba, "WEBP", exact=True, **webp)
files["alpha-lossy.webp"] = saved(rgba, "WEBP", quality=90, exact=True)
files["animated.webp"] = saved(image, "WEBP", save_all=True, append_images=[image.transpose(Image.Transpose.ROTATE_180)], **webp)

HERE.mkdir(exist_ok=True)
whole = {}
for name, data in files.items():
    (HERE / name).write_bytes(data)
    opened = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    is_deep_grey = opened.mode == "I;16"
    seen = Image.merge("RGB", (red, red, red)) if is_deep_grey else opened.convert("RGB")
    (HERE / f"{name}.want.png").write_bytes(saved(seen, "PNG", optimize=True))
    if opened.has_transparency_data:
        alpha = opened.convert("RGBA").getchannel("A")
        (HERE / f"{name}.alpha.png").write_bytes(saved(alpha, "PNG", optimize=True))

    def can_be_read(data):
        try:
            Image.open(io.BytesIO(data)).convert("RGB")
            return True
        except (OSError, SyntaxError, ValueError):
            return False

    whole[name] = next(cut for cut in range(len(data) + 1) if can_be_read(data[:cut]))
(HERE / "luma.png").write_bytes(saved(image.convert("L"), "PNG", optimize=True))
(HERE / "readable_from.json").write_text(json.dumps(whole, indent=1) + "\n")
