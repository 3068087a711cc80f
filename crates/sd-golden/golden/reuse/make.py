"""U-Nets of tiny models that take parts of an earlier call, images drawn with them, and DeepCache's uneven schedules.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, safetensors 0.8.0, DeepCache 0.1.1, tgate 1.0.0, tomesd 0.1.3
Writes: sd1.safetensors, sdxl.safetensors, cases.json, latents.safetensors, full_calls.json
Test: crates/sd-unet/tests/golden/recall.rs, crates/sd-pipeline/tests/golden/reuse.rs
After: models

`deep.B` is a second call, for another image and time, with the deep features of the first beyond branch B. `text` is a call for one image
with the mean outputs of cross-attention of two others. `merged` has half of the pixels of the finest attention merged, the images being
neither square nor even. The published T-GATE also reuses self-attention; here its intervals are 1, which computes it always.
"""
import ast
import importlib.util
import json
import pathlib
import sys
import types
import warnings

import numpy as np
import tomesd
import torch
from DeepCache import DeepCacheSDHelper
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from guidance.make import SEED, scheduler, time_ids
from prompts.make import embed
from tiny import NEGATIVE, PROMPT, noise, pipeline

HERE = pathlib.Path(__file__).parent
BATCH, HEIGHT, WIDTH, TIMES = 2, 27, 21, (981, 661)
STEPS, GUIDANCE, SIZE = 10, 5.0, (64, 48)


def source(package, file):
    return pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0]) / file


def load_tgate():
    """Load the module without its package, which imports pipelines of older versions of diffusers."""
    spec = importlib.util.spec_from_file_location("tgate_utils", source("tgate", "tgate_utils.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def predict(kind, unet, x, t, context):
    rows = len(x)
    added = dict(text_embeds=noise("text_embeds", BATCH, 40)[:rows], time_ids=torch.tensor([[64.0, 96, 0, 8, 64, 96]] * rows))
    return unet(x, torch.tensor(t), context, added_cond_kwargs=added if kind == "sdxl" else None).sample


def images():
    return [noise(name, BATCH, 4, HEIGHT, WIDTH) for name in ("x", "y")]


def with_deep_cache(unet, timesteps, interval, branch):
    helper = DeepCacheSDHelper(types.SimpleNamespace(unet=unet, scheduler=types.SimpleNamespace(timesteps=torch.as_tensor(timesteps))))
    helper.set_params(cache_interval=interval, cache_branch_id=branch)
    helper.enable()
    return helper


def deep(kind):
    outputs = {}
    unet = pipeline(kind).unet
    context = noise("context", BATCH, 7, unet.config.cross_attention_dim)
    for branch in range(3 * len(unet.down_blocks)):
        helper = with_deep_cache(unet, TIMES, 2, branch)
        for x, t in zip(images(), TIMES):
            out = predict(kind, unet, x, t, context)
        helper.disable()
        outputs[f"deep.{branch}"] = out
    return outputs


def text(kind):
    tgate, unet = load_tgate(), pipeline(kind).unet
    context = noise("context", BATCH, 7, unet.config.cross_attention_dim)
    off = dict(cache=False, reuse=False)
    x, y = images()
    tgate.register_forward(unet, "Attention", keep_shape=False, sa_kward=off, ca_kward=dict(cache=True, reuse=False))
    predict(kind, unet, x, TIMES[0], context)
    tgate.register_forward(unet, "Attention", keep_shape=True, sa_kward=off, ca_kward=dict(cache=False, reuse=True))
    return dict(text=predict(kind, unet, y[:1], TIMES[1], context[:1]))


def merged(kind):
    unet = pipeline(kind).unet
    context = noise("context", BATCH, 7, unet.config.cross_attention_dim)
    tomesd.apply_patch(unet, ratio=0.5, max_downsample=2 if kind == "sdxl" else 1, use_rand=False)
    return dict(merged=predict(kind, unet, images()[0], TIMES[0], context))


def draw(kind, deep_cache=None, text_gate=None):
    """Draw with DDIM. `text_gate` is the step from which the text is not read."""
    unet, ddim = pipeline(kind).unet, scheduler(kind)
    ddim.set_timesteps(STEPS)
    if deep_cache:
        with_deep_cache(unet, ddim.timesteps, *deep_cache)
    if text_gate:
        tgate = load_tgate()
    (prompt, pooled), (negative, negative_pooled) = (embed(kind, "a1111", text, None) for text in (PROMPT, NEGATIVE))
    context = torch.cat([negative, prompt])
    latents = torch.randn((1, 4, SIZE[1] // 8, SIZE[0] // 8), generator=torch.Generator("cpu").manual_seed(SEED))
    for index, t in enumerate(ddim.timesteps):
        rows = slice(1, 2) if text_gate and index >= text_gate else slice(0, 2)
        if text_gate:
            cross, own, keep = tgate.tgate_scheduler(index, gate_step=text_gate, sp_interval=1, fi_interval=1)
            tgate.register_forward(unet, "Attention", keep_shape=keep, sa_kward=own, ca_kward=cross)
        added = None
        if kind == "sdxl":
            added = dict(text_embeds=torch.cat([negative_pooled, pooled])[rows], time_ids=time_ids(SIZE).repeat(2, 1)[rows])
        batch = torch.cat([latents] * 2)[rows]
        found = unet(batch, t, context[rows], added_cond_kwargs=added).sample
        if len(found) == 2:
            found = found[:1] + GUIDANCE * (found[1:] - found[:1])
        latents = ddim.step(found, t, latents).prev_sample
    return latents


def full_calls():
    """Return calls that the first version's pipeline chooses; the function is taken out of a file that newer diffusers cannot import."""
    text = source("DeepCache", "sd/pipeline_stable_diffusion.py").read_text()
    function = next(node for node in ast.parse(text).body if getattr(node, "name", "") == "sample_from_quad_center")
    scope = dict(np=np)
    exec(compile(ast.Module([function], []), "DeepCache", "exec"), scope)
    found = []
    for calls, interval, center, power in [(50, 5, 15, 1.4), (50, 10, 15, 1.4), (50, 3, 20, 1.2), (25, 3, 8, 1.3), (20, 2, 5, 1.4), (20, 5, 2, 1.6)]:
        try:
            full, _ = scope["sample_from_quad_center"](calls, -(-calls // interval), center, power)
        except ValueError:
            full = None
        found.append(dict(calls=calls, interval=interval, center=center, power=power, full=full and [int(call) for call in full]))
    return found


@torch.no_grad()
def main():
    for kind in ("sd1", "sdxl"):
        outputs = {**deep(kind), **text(kind), **merged(kind)}
        save_file({k: v.contiguous() for k, v in outputs.items()}, HERE / f"{kind}.safetensors")
    cases, latents = {}, {}
    for kind in ("sd1", "sd2v", "sdxl"):
        cache = lambda interval, branch: dict(deep_cache=dict(interval=interval, branch=branch))
        for name, options, reuse in [
            ("plain", {}, {}), ("deep", dict(deep_cache=(3, 0)), cache(3, 0)), ("deep-2", dict(deep_cache=(2, 4)), cache(2, 4)),
            ("text", dict(text_gate=4), dict(text_gate=0.4)),
        ]:
            cases[f"{kind}-{name}"] = dict(
                kind=kind, prompt=PROMPT, negative=NEGATIVE, size=SIZE, steps=STEPS, seed=SEED, guidance=GUIDANCE, reuse=reuse,
            )
            latents[f"{kind}-{name}"] = draw(kind, **options).contiguous()
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    save_file(latents, HERE / "latents.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        (HERE / "full_calls.json").write_text(json.dumps(full_calls(), indent=1) + "\n")


if __name__ == "__main__":
    main()
