"""Small networks of ESRGAN's kinds without weights: names and shapes of their tensors, and what they make of an image.

Reference: torch 2.8.0, spandrel 0.4.2, safetensors 0.8.0
Writes: *.txt, networks.safetensors, averaged.pth
Test: crates/sd-upscale/tests/upscale/golden.rs
"""
import math
import pathlib
import sys

import torch
from safetensors.torch import save_file
from spandrel import ModelLoader

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import noise

HERE = pathlib.Path(__file__).parent
CHANNELS, GROWTH = 8, 32


def dense(prefix, middle, channels=CHANNELS, growth=GROWTH):
    """Return the shapes of a dense block's tensors."""
    shapes = {}
    for i in range(5):
        outputs = growth if i < 4 else channels
        shapes[f"{prefix}conv{i + 1}.{middle}weight"] = (outputs, channels + i * growth, 3, 3)
        shapes[f"{prefix}conv{i + 1}.{middle}bias"] = (outputs,)
    return shapes


def convolutions(names, inputs, channels=CHANNELS):
    """Return the shapes of convolutions from `inputs` channels to an image, one after the other."""
    shapes = {}
    for i, name in enumerate(names):
        outputs = 3 if i == len(names) - 1 else channels
        shapes[f"{name}.weight"] = (outputs, channels if i else inputs, 3, 3)
        shapes[f"{name}.bias"] = (outputs,)
    return shapes


def old(blocks, ups, plus=False):
    """ESRGAN's first layout, or ESRGAN+."""
    last = 3 * ups + 4
    names = ["model.0", f"model.1.sub.{blocks}", *(f"model.{3 * (i + 1)}" for i in range(ups)), f"model.{last - 2}", f"model.{last}"]
    shapes = convolutions(names, 3)
    for i in range(blocks):
        for j in (1, 2, 3):
            shapes |= dense(f"model.1.sub.{i}.RDB{j}.", "0.")
            if plus:
                shapes[f"model.1.sub.{i}.RDB{j}.conv1x1.weight"] = (GROWTH, CHANNELS, 1, 1)
    return shapes


def new(blocks, unshuffle, **sizes):
    """Real-ESRGAN's layout."""
    names = ["conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    shapes = convolutions(names, 3 * unshuffle**2, sizes.get("channels", CHANNELS))
    for i in range(blocks):
        for j in (1, 2, 3):
            shapes |= dense(f"body.{i}.rdb{j}.", "", **sizes)
    return shapes


def middle(blocks):
    """The layout of BSRGAN."""
    names = ["conv_first", "trunk_conv", "upconv1", "upconv2", "HRconv", "conv_last"]
    shapes = convolutions(names, 3)
    for i in range(blocks):
        for j in (1, 2, 3):
            shapes |= dense(f"RRDB_trunk.{i}.RDB{j}.", "")
    return shapes


def compact(convs, scale):
    """SRVGGNetCompact."""
    shapes = {}
    for i in range(convs + 1):
        shapes[f"body.{2 * i}.weight"] = (CHANNELS, CHANNELS if i else 3, 3, 3)
        shapes[f"body.{2 * i}.bias"] = (CHANNELS,)
        shapes[f"body.{2 * i + 1}.weight"] = (CHANNELS,)
    shapes[f"body.{2 * convs + 2}.weight"] = (3 * scale**2, CHANNELS, 3, 3)
    shapes[f"body.{2 * convs + 2}.bias"] = (3 * scale**2,)
    return shapes


def write_list(name, shapes):
    lines = [f"{key} {'x'.join(map(str, shape))}\n" for key, shape in sorted(shapes.items())]
    (HERE / f"{name}.txt").write_text("".join(lines))


def seeded(name, shapes):
    """Weights as in tiny.py."""
    weights = {}
    for key, shape in shapes.items():
        z = noise(f"upscalers/{name}/{key}", *shape)
        z = 0.1 * z if len(shape) < 2 else 0.9 / math.sqrt(math.prod(shape[1:])) * z
        weights[key] = z.half().float()
    return weights


@torch.no_grad()
def main():
    networks = {
        "old-x4": old(2, 2), "old-x2": old(1, 1), "plus-x4": old(1, 2, plus=True), "middle-x4": middle(1), "new-x4": new(2, 1),
        "new-x2": new(1, 2), "new-x1": new(1, 4), "compact-x4": compact(2, 4), "compact-x2": compact(1, 2),
    }
    image = (0.5 + 0.2 * noise("image", 1, 3, 8, 12)).clamp(0, 1)
    odd = (0.5 + 0.2 * noise("odd", 1, 3, 7, 9)).clamp(0, 1).mul(255).round() / 255
    outputs = {}
    for name, shapes in networks.items():
        write_list(name, shapes)
        model = ModelLoader().load_from_state_dict(seeded(name, shapes)).model.eval()
        outputs[name] = model(image)
        if name == "new-x2":
            outputs["odd-x2"] = model(odd)
    save_file({k: v.contiguous() for k, v in outputs.items()}, HERE / "networks.safetensors")
    # As Real-ESRGAN's trainings save it: averaged weights beside the last ones.
    shapes = new(1, 1, channels=4, growth=2)
    write_list("averaged", shapes)
    averaged = {key: weight.half() for key, weight in seeded("averaged", shapes).items()}
    last = {key: torch.zeros_like(weight) for key, weight in averaged.items()}
    torch.save({"params": last, "params_ema": averaged}, HERE / "averaged.pth")


if __name__ == "__main__":
    main()
