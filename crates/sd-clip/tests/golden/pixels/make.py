"""Images as CLIP's image encoder reads them: resized, cut and normalised by `CLIPImageProcessor` with Pillow.

Reference: transformers 5.23.0, pillow 13.0.0, safetensors 0.8.0, numpy 2.4.6
Writes: pixels.safetensors
Test: crates/sd-clip/tests/golden/pixels/mod.rs

The images are patterns that the test makes, too. Of those of 224×224, every 16th pixel of every 16th row is kept.
"""
import pathlib

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

# Where torchvision is installed, the class without "Pil" resizes with it.
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

HERE = pathlib.Path(__file__).parent
SIZES = (
    (224, 224), (300, 201), (201, 299), (225, 1001), (1001, 225), (640, 427), (333, 500), (1024, 768), (50, 37), (1, 5), (223, 224),
)


def pattern(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([3 * x + 5 * y, x * y // 7, 11 * x + y * y // 3], axis=-1).astype(np.uint8)


def pixels(image, side):
    return CLIPImageProcessorPil(size=side, crop_size=side)(image, return_tensors="np").pixel_values[0]


tensors = {f"{w}x{h}": pixels(Image.fromarray(pattern(w, h)), 224)[:, ::16, ::16] for w, h in SIZES}
tensors["grey"] = pixels(Image.fromarray(pattern(90, 61)[..., 0]), 224)[:, ::16, ::16]
# With another size, whole.
tensors["32"] = pixels(Image.fromarray(pattern(100, 71)), 32)
# Every byte in every colour.
tensors["bytes"] = pixels(Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)), 16)
save_file({key: np.ascontiguousarray(value) for key, value in tensors.items()}, HERE / "pixels.safetensors")
