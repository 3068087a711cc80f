"""Noise varied towards another by AUTOMATIC1111's formula, and noise between two by the whole vector.

Reference: torch 2.8.0
Writes: slerp.json
Test: crates/sd-samplers/tests/reference/slerp/mod.rs

The formulas are those of `slerp` in stable-diffusion-webui's modules/rng.py, for an image [channels, height, width] without a
batch, and of the DDIM paper's appendix D.5. Both are computed in single precision, as there.
"""
import json
import pathlib

import torch

SHAPE = (3, 5, 4)
STRENGTHS = [0.05, 0.3, 0.5, 0.9]


def arc(cosine, t, low, high):
    angle = torch.acos(cosine)
    return (torch.sin((1 - t) * angle) * low + torch.sin(t * angle) * high) / torch.sin(angle)


def columns(t, low, high):
    unit = [x / x.norm(dim=1, keepdim=True) for x in (low, high)]
    cosine = (unit[0] * unit[1]).sum(1, keepdim=True)
    if cosine.mean() > 0.9995:
        return t * low + (1 - t) * high
    return arc(cosine, t, low, high)


def whole(t, low, high):
    return arc((low * high).sum() / (low.norm() * high.norm()), t, low, high)


def noise(seed):
    return torch.randn(SHAPE, generator=torch.Generator("cpu").manual_seed(seed))


def numbers(x):
    return [round(float(value), 7) for value in x.flatten()]


low, high = noise(1), noise(2)
# So close to `low` that the web interface leaves the arc.
near = low + 0.01 * high
cases = [
    {"strength": t, "other": other, "varied": numbers(columns(t, low, to)), "between": numbers(whole(t, low, to))}
    for other, to in (("seed", high), ("near", near))
    for t in STRENGTHS
]
path = pathlib.Path(__file__).with_name("slerp.json")
path.write_text("[\n" + ",\n".join(f"  {json.dumps(case)}" for case in cases) + "\n]\n")
