"""Guidance of small random predictions: projected, rescaled, degraded by self-attention, with thresholds, and perpendicular.

Reference: torch 2.8.0, diffusers 0.42.1
Writes: formulas.json
Test: crates/sd-guidance/tests/golden/formulas/mod.rs

diffusers computes the first three. Thresholding is the formula of the Dynamic Thresholding extension for each channel, about the mean
and by absolute deviation; perpendicular negative prompts are the formula of ComfyUI's PerpNeg, image by image.
"""
import json
from pathlib import Path
from types import SimpleNamespace

import torch
from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer, normalized_guidance
from diffusers.guiders.guider_utils import rescale_noise_cfg
from diffusers.pipelines.deprecated.stable_diffusion_sag.pipeline_stable_diffusion_sag import StableDiffusionSAGPipeline

SHAPE = (2, 2, 6, 5)
SCALE = 7.5
GENERATOR = torch.Generator("cpu").manual_seed(5)


def random(*shape):
    return (torch.randn(shape, generator=GENERATOR) * 1000).round() / 1000


def numbers(x):
    return [round(float(value), 6) for value in x.flatten()]


def apg(calls, eta, norm, momentum):
    """Images after the calls, one after the other."""
    buffer = MomentumBuffer(momentum) if momentum else None
    return [
        normalized_guidance(prompt, negative, SCALE - 1, buffer, eta, norm or 0, use_original_formulation=True)
        for prompt, negative in calls
    ]


def degraded(denoised, attention):
    """`attention` [images, rows, columns] is what each place gets in all; two heads and all places pay it alike."""
    images, rows, columns = attention.shape
    places = rows * columns
    heads = (attention.reshape(images, 1, 1, places) / places).expand(images, 2, places, places)
    pipeline = SimpleNamespace(
        unet=SimpleNamespace(config=SimpleNamespace(attention_head_dim=2)),
        scheduler=SimpleNamespace(add_noise=lambda x, noise, timesteps: x),
    )
    heads = heads.reshape(images * 2, places, places)
    return StableDiffusionSAGPipeline.sag_masking(pipeline, denoised, heads, (rows, columns), torch.tensor(0), None)


def threshold(prompt, negative, percentile, mimic):
    centred = {}
    for scale in (SCALE, mimic):
        flat = (negative + scale * (prompt - negative)).flatten(2)
        centred[scale] = flat - flat.mean(2, keepdim=True), flat.mean(2, keepdim=True)
    guided, mean = centred[SCALE]
    wanted = centred[mimic][0].abs().amax(2, keepdim=True)
    bound = torch.maximum(wanted, guided.abs().quantile(percentile, dim=2, keepdim=True))
    return (guided.clamp(-bound, bound) / bound * wanted + mean).reshape(prompt.shape)


def perpendicular(prompt, negative, empty, weight):
    towards, away = prompt - empty, negative - empty
    inner = lambda a, b: (a * b).sum((1, 2, 3), keepdim=True)
    away = away - inner(away, towards) / inner(towards, towards) * towards
    return empty + SCALE * (towards - weight * away)


prompt, negative, empty, second = (random(*SHAPE) for _ in range(4))
cfg = negative + SCALE * (prompt - negative)
small, large = random(2, 2, 12, 10), random(2, 2, 11, 9)
attention = random(2, 6, 5).abs() * 1.5
data = {
    "prompt": numbers(prompt),
    "negative": numbers(negative),
    "empty": numbers(empty),
    "second": numbers(second),
    "apg": [
        {"eta": eta, "norm": norm, "momentum": momentum, "images": [numbers(x) for x in images]}
        for eta, norm, momentum in ((0.0, 4.0, -0.5), (0.4, None, 0.3), (1.0, 50.0, 0.0))
        for images in [apg([(prompt, negative), (second, negative)], eta, norm, momentum)]
    ],
    "rescale": [{"share": share, "image": numbers(rescale_noise_cfg(cfg, prompt, share))} for share in (0.7, 1.0)],
    "threshold": [
        {"percentile": percentile, "mimic": mimic, "image": numbers(threshold(prompt, negative, percentile, mimic))}
        for percentile, mimic in ((0.9, 3.0), (0.65, 1.0), (1.0, 5.0), (0.5, 7.0))
    ],
    "perpendicular": [
        {"weight": weight, "image": numbers(perpendicular(prompt, negative, empty, weight))} for weight in (1.0, 0.6)
    ],
    "attention": numbers(attention),
    "degrade": [
        {"shape": list(x.shape), "denoised": numbers(x), "image": numbers(degraded(x, attention))}
        for x in (small, large)
    ],
}
lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in data.items()]
Path(__file__).with_name("formulas.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
