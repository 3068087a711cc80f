"""Small images in other sizes, as Pillow resizes them and as diffusers fits them.

Reference: pillow 13.0.0, diffusers 0.42.1
Writes: source.png, tall.png, cases.json, wanted.bin
Test: crates/sd-image/tests/golden/resizing/mod.rs

The bytes of the results are in `wanted.bin`, in the order of the cases.
"""
import json
import random
from pathlib import Path

from diffusers.image_processor import VaeImageProcessor
from PIL import Image

HERE = Path(__file__).parent
FILTERS = {"nearest": "NEAREST", "box": "BOX", "bilinear": "BILINEAR", "bicubic": "BICUBIC", "lanczos": "LANCZOS"}


def noise(width, height, seed):
    values = random.Random(seed)
    image = Image.new("RGB", (width, height))
    image.putdata([tuple(values.choice((0, 255, values.randrange(256))) for _ in range(3)) for _ in range(width * height)])
    return image


sources = {"source": noise(13, 9, 1), "tall": noise(3, 60, 2)}
cases, wanted = [], b""


def add(case, image):
    global wanted
    assert image.size == (case["width"], case["height"]), (case, image.size)
    cases.append(case)
    wanted += image.tobytes()


def seen(source, mode):
    return sources[source].convert(mode)


for name, kind in FILTERS.items():
    kind = getattr(Image.Resampling, kind)
    for width, height in ((13, 9), (21, 14), (5, 4), (7, 17), (14, 3), (13, 4), (1, 1), (30, 9)):
        for mode in ("RGB", "L"):
            case = dict(source="source", mode=mode, filter=name, width=width, height=height)
            add(case, seen("source", mode).resize((width, height), kind))
    for part in ((2, 1, 9, 8), (0.25, 0.5, 12.75, 3.125), (3, 3, 3, 9), (1, 9, 13, 9)):
        # Pillow's nearest pixel of a part without area at the end of the image is black.
        if name == "nearest" and part[1] == part[3]:
            continue
        case = dict(source="source", mode="RGB", filter=name, width=6, height=5, part=part)
        add(case, seen("source", "RGB").resize((6, 5), kind, box=part))
    case = dict(source="tall", mode="RGB", filter=name, width=2, height=17)
    add(case, seen("tall", "RGB").resize((2, 17), kind))

for fit, mode in (("crop", "crop"), ("stretch", "default"), ("pad", "fill")):
    for width, height in ((16, 8), (8, 16), (6, 6), (13, 9), (2, 14), (30, 4)):
        for bands in ("RGB", "L"):
            image = VaeImageProcessor(resample="lanczos").resize(seen("source", bands), height, width, resize_mode=mode)
            case = dict(source="source", mode=bands, filter="lanczos", width=width, height=height, fit=fit)
            # diffusers makes every fitted image one of three bands.
            add(case, image.convert(bands))

for name, image in sources.items():
    image.save(HERE / f"{name}.png", optimize=True)
(HERE / "cases.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
(HERE / "wanted.bin").write_bytes(wanted)
