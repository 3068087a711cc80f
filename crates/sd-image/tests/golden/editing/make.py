"""Masks as OpenCV blurs them, images as Pillow mixes and AUTOMATIC1111 fills them, and the regions that diffusers crops.

Reference: pillow 13.0.0, diffusers 0.42.1, opencv-python-headless 5.0.0.93, numpy 2.4.6
Writes: *.png, regions.json
Test: crates/sd-image/tests/golden/editing/mod.rs
"""
import json
import random
from pathlib import Path

import cv2
import numpy as np
from diffusers.image_processor import VaeImageProcessor
from PIL import Image, ImageDraw, ImageFilter, ImageOps

HERE = Path(__file__).parent
WIDTH, HEIGHT = 40, 28


def save(image, name):
    image.save(HERE / f"{name}.png", optimize=True)


def blurred(mask, sigma):
    """AUTOMATIC1111's blur of a mask."""
    size = 2 * int(2.5 * sigma + 0.5) + 1
    return Image.fromarray(cv2.GaussianBlur(cv2.GaussianBlur(np.array(mask), (size, 1), sigma), (1, size), sigma))


def filled(image, mask):
    """AUTOMATIC1111's fill: the kept pixels, blurred less and less, over each other."""
    kept = Image.new("RGBa", image.size)
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask))
    below = Image.new("RGBA", image.size)
    for sigma, times in ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1)):
        layer = kept.filter(ImageFilter.GaussianBlur(sigma)).convert("RGBA")
        for _ in range(times):
            below.alpha_composite(layer)
    return below.convert("RGB")


values = random.Random(3)
image, drawn = Image.new("RGB", (WIDTH, HEIGHT)), Image.new("RGB", (WIDTH, HEIGHT))
pixels = [(x, y) for y in range(HEIGHT) for x in range(WIDTH)]
image.putdata([(6 * x, 255 - 9 * y, values.randrange(8) + 20 * (x // 8)) for x, y in pixels])
drawn.putdata([(255 - 9 * y, 4 * (x ^ y), 3 * x) for x, y in pixels])
mask = Image.new("L", (WIDTH, HEIGHT))
ImageDraw.Draw(mask).ellipse((22, 5, 36, 20), fill=255)
ImageDraw.Draw(mask).rectangle((0, 0, 6, 3), fill=200)

save(image, "image")
save(drawn, "drawn")
save(mask, "mask")
# The last kernel is longer than the mask.
for sigma in (1, 2.5, 4, 20):
    save(blurred(mask, sigma), f"blurred-{sigma}")
soft = blurred(mask, 4)
save(Image.composite(drawn, image, soft), "composite")
save(filled(image, mask), "filled")
save(filled(image, soft), "filled-softly")

regions = []
for _ in range(40):
    width, height = values.randrange(8, 300), values.randrange(8, 300)
    left, top = values.randrange(width), values.randrange(height)
    box = (left, top, values.randrange(left, width) + 1, values.randrange(top, height) + 1)
    size = (values.choice((64, 512, 768, 1024)), values.choice((64, 512, 768, 1000)))
    padding = values.choice((0, 1, 32, 100))
    drawn_box = Image.new("L", (width, height))
    drawn_box.paste(255, box)
    region = VaeImageProcessor.get_crop_region(drawn_box, *size, pad=padding)
    regions.append(dict(image=(width, height), box=box, size=size, padding=padding, region=region))
(HERE / "regions.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in regions) + "\n]\n")
