"""Images as OpenCV, controlnet_aux and AUTOMATIC1111's extension for control preprocess them.

Reference: opencv-python-headless 5.0.0.93, controlnet_aux 0.0.10, pillow 13.0.0, numpy 2.4.6, sd-webui-controlnet 56cec5b2
Writes: *.png, cases.json
Test: crates/sd-preprocess/tests/golden/preprocessors/mod.rs

The environment variable CONTROLNET names a folder of the sources of Mikubill/sd-webui-controlnet, of which single functions are
run. They get images whose sides are multiples of 64, with the shorter one as their resolution, so that they neither resize nor pad.
"""
import ast
import importlib.util
import json
import os
import random
import sys
import types
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).parent


def functions(path, names, **known):
    """Runs those functions of a file of sd-webui-controlnet, and nothing else of it."""
    tree = ast.parse((Path(os.environ["CONTROLNET"]) / path).read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if getattr(node, "name", None) in names]
    space = {"cv2": cv2, "np": np, **known}
    exec(compile(tree, path, "exec"), space)
    return types.SimpleNamespace(**{name: space[name] for name in names})


def detectors():
    """controlnet_aux without its `__init__`, which loads every network."""
    package = types.ModuleType("controlnet_aux")
    package.__path__ = importlib.util.find_spec("controlnet_aux").submodule_search_locations
    sys.modules["controlnet_aux"] = package
    from controlnet_aux.canny import CannyDetector
    from controlnet_aux.lineart_standard import LineartStandardDetector
    return CannyDetector(), LineartStandardDetector()


def scene(width, height):
    """Shapes of many colours with straight, slanted and round edges, strong and faint, and thin lines."""
    y, x = np.mgrid[0:height, 0:width]
    sky = np.stack([200 - 80 * y / height, 150 + 60 * x / width, 250 - 100 * y / height], -1)
    image = Image.fromarray(sky.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.6, 10, width * 0.6 + 40, 50), fill=(250, 230, 90))
    draw.rectangle((20, height // 2, 80, height - 10), fill=(180, 40, 30))
    draw.polygon([(12, height // 2), (50, height // 4), (88, height // 2)], fill=(90, 30, 60))
    draw.rectangle((40, height - 40, 56, height - 10), fill=(60, 40, 20), outline=(0, 0, 0))
    draw.polygon([(90, height), (130, height // 3), (190, height)], fill=(40, 120, 60))
    draw.line((0, height - 9, width, height - 20), fill=(20, 20, 90), width=2)
    draw.line((100, 5, 150, 70), fill=(0, 0, 0))
    draw.line((5, 5, 60, 20), fill=(120, 170, 190))
    return np.array(image)


def drawing(width, height):
    """Pen strokes of several strengths on paper."""
    image = Image.new("RGB", (width, height), (250, 248, 240))
    draw = ImageDraw.Draw(image)
    for i, ink in enumerate([(0, 0, 0), (60, 60, 70), (120, 90, 90), (190, 190, 200), (235, 232, 225)]):
        box = (10 + 9 * i, 10 + 7 * i, width - 12 - 6 * i, height - 10 - 8 * i)
        draw.arc(box, 20 * i, 330 - 20 * i, fill=ink, width=1 + i % 3)
        draw.line((8 + 25 * i, height - 6, 40 + 20 * i, 5), fill=ink, width=1 + i % 2)
    return np.array(image)


def noise(width, height, seed):
    values = random.Random(seed)
    bytes_ = [values.randrange(256) for _ in range(3 * width * height)]
    return np.array(bytes_, np.uint8).reshape(height, width, 3)


levels = np.array([*range(0, 256, 8), 255], np.uint8)
IMAGES = {
    "scene": scene(192, 128),
    "drawing": drawing(128, 128),
    "noise": noise(64, 64, 1),
    "clouds": cv2.resize(noise(16, 12, 2), (101, 75), interpolation=cv2.INTER_CUBIC),
    "row": noise(37, 1, 3),
    "column": noise(1, 37, 4),
    "dot": noise(1, 1, 5),
    "pair": noise(2, 2, 6),
    # Every combination of 33 levels of red, green and blue.
    "colours": np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(33, -1, 3),
}
cases = []


def save(array, name):
    array = array[..., 0] if array.ndim == 3 and (array == array[..., :1]).all() else array
    Image.fromarray(np.ascontiguousarray(array)).save(HERE / f"{name}.png", optimize=True)


def case(image, preprocessor, wanted, tolerance=0):
    """`tolerance` is the largest difference of a byte."""
    wanted = wanted.reshape(*IMAGES[image].shape[:2], -1)
    name = f"{image}-{preprocessor.replace(':', '-')}"
    save(wanted, name)
    cases.append(dict(image=image, preprocessor=preprocessor, wanted=name, tolerance=tolerance))


def resolution(image):
    height, width = image.shape[:2]
    assert width % 64 == 0 and height % 64 == 0
    return min(width, height)


processor = "scripts/preprocessor/legacy/processor.py"
util = functions(processor, ["pad64", "safer_memory"])
hwc3 = functions("annotator/util.py", ["HWC3"]).HWC3
padded = functions(processor, ["resize_image_with_pad"], HWC3=hwc3, **vars(util)).resize_image_with_pad
color = functions("annotator/color/__init__.py", ["cv2_resize_shortest_edge", "apply_color"]).apply_color
names = ["scribble_xdog", "tile_resample", "threshold", "recolor_luminance", "recolor_intensity"]
a1111 = functions(processor, names, HWC3=hwc3, resize_image_with_pad=padded)
canny, lineart = detectors()

for name, image in IMAGES.items():
    save(image, name)

for name in IMAGES:
    others = [(0, 255), (255, 255), (20, 60)] if name == "clouds" else []
    for low, high in [(100, 200), *others]:
        case(name, f"canny:{low}:{high}", cv2.Canny(IMAGES[name], low, high))
for name in ("scene", "noise"):
    side = resolution(IMAGES[name])
    assert (canny(IMAGES[name], 100, 200, side, side)[..., 0] == cv2.Canny(IMAGES[name], 100, 200)).all()

for name in ("clouds", "row", "column", "dot", "pair"):
    # Some kernels are longer than the image.
    for sigma in (1.3, 9, 64) if name == "clouds" else (2,):
        case(name, f"blur:{sigma}", cv2.GaussianBlur(IMAGES[name], (0, 0), sigma))

for name, threshold in [("scene", 32), ("drawing", 32), ("drawing", 6), ("noise", 64)]:
    image = IMAGES[name]
    wanted, _ = a1111.scribble_xdog(image, resolution(image), threshold)
    # It doubles the difference in 8 bits, so that 128 becomes 0. What is that large is a stroke.
    coarse, fine = (cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma) for sigma in (5.0, 0.5))
    wanted[np.min(coarse - fine, axis=2) > 127] = 255
    case(name, f"scribble:{threshold}", wanted)

for name in ("scene", "drawing", "noise"):
    image = IMAGES[name]
    # OpenCV blurs in single precision, and the result is cut off to a whole number.
    wanted = lineart(image, detect_resolution=resolution(image), output_type="np")
    case(name, "lineart-standard", wanted, 1)

case("noise", "threshold:127", a1111.threshold(IMAGES["noise"], 64, 127)[0])
case("colours", "threshold:31", np.where(IMAGES["colours"].min(2) > 31, 255, 0).astype(np.uint8))

for name, factors in {"scene": (1.5, 2), "clouds": (2, 3.7, 64), "row": (5,), "column": (2.5,), "dot": (8,)}.items():
    image = IMAGES[name]
    height, width = image.shape[:2]
    for factor in factors:
        if min(height, width) >= factor:
            small, _ = a1111.tile_resample(image, 0, factor)
        else:
            size = (max(1, int(width / factor)), max(1, int(height / factor)))
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        small = small.reshape(-1, small.shape[1], 3)
        case(name, f"tile:{factor}", np.array(Image.fromarray(small).resize((width, height), Image.LANCZOS)))

for name in ("scene", "drawing"):
    case(name, "colour", color(IMAGES[name], resolution(IMAGES[name])))
case("clouds", "colour", color(IMAGES["clouds"], 75), 1)

for gamma in (1, 0.6, 2):
    # It takes an image of red, green and blue for one of blue, green and red.
    case("colours", f"luminance:{gamma}", a1111.recolor_luminance(IMAGES["colours"][..., ::-1], thr_a=gamma)[0])
    case("noise", f"intensity:{gamma}", a1111.recolor_intensity(IMAGES["noise"], thr_a=gamma)[0])

(HERE / "cases.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
