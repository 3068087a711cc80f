"""Latents drawn with long and composed prompts, regions, and every kind of guidance, by tiny models.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, safetensors 0.8.0, pillow 13.0.0
Writes: mask.png, cases.json, latents.safetensors
Test: crates/sd-pipeline/tests/golden/guidance.rs
After: models

The models are those of the set `models`, the embeddings those of the set `prompts`. Cases with `by` were drawn by this pipeline of
diffusers. The others are worked out here, step by step, around diffusers' network and DDIM; without guidance of their own they are checked
against diffusers. `guidance` has the fields of sd-guidance's `Guidance`; sizes are width, height and corners left, top.

With every weight changed by a relative 2e-6, the latents change by at most 1e-4 of their size.
"""
import json
import pathlib
import re
import sys

import numpy as np
import torch
from diffusers import (
    StableDiffusionPAGPipeline, StableDiffusionPipeline, StableDiffusionSAGPipeline, StableDiffusionXLPAGPipeline, StableDiffusionXLPipeline,
)
from PIL import Image
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from models.make import SAMPLERS
from prompts.make import SEA, WORDS, embed, model

HERE = pathlib.Path(__file__).parent
PIPELINES = {
    "text": (StableDiffusionPipeline, StableDiffusionXLPipeline), "pag": (StableDiffusionPAGPipeline, StableDiffusionXLPAGPipeline),
    "sag": (StableDiffusionSAGPipeline, None),
}
STEPS, SEED = 10, 42
SMALL, LARGE = (56, 40), (128, 96)
DARK = "blurry, dark"
TWO, THREE = f"{SEA}, (wooden boats:1.3) on the sand, {WORDS[:60]}", f"{SEA} (under a grey sky:0.8), {WORDS}, [at night]"
DARK_TWO = f"blurry, (dark:1.2), {WORDS}"
APG = dict(eta=0.0, momentum=-0.75)


def scheduler(kind, sampler="ddim"):
    config = json.loads((HERE.parent / "models" / kind / "model/scheduler/scheduler_config.json").read_text())
    return SAMPLERS[sampler](config)


def generator():
    return torch.Generator("cpu").manual_seed(SEED)


def time_ids(size):
    width, height = size
    return torch.tensor([[float(height), width, 0, 0, height, width]])


# By diffusers


def draw_by_diffusers(by, kind, prompt, negative, size, guidance, syntax="a1111", sampler="ddim", clip_skip=None, freeu=None, sizes=None):
    is_xl = kind == "sdxl"
    components = dict(model(kind).components)
    if by == "sag":
        components.pop("image_encoder", None)
    options = dict(force_zeros_for_empty_prompt=True, add_watermarker=False) if is_xl else dict(requires_safety_checker=False)
    pipe = PIPELINES[by][is_xl](**components, **options)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = scheduler(kind, sampler)
    (context, pooled), (dark, dark_pooled) = (embed(kind, syntax, text, clip_skip) for text in (prompt, negative))
    arguments = dict(prompt_embeds=context, negative_prompt_embeds=dark, guidance_scale=guidance["scale"])
    if is_xl:
        arguments |= dict(pooled_prompt_embeds=pooled, negative_pooled_prompt_embeds=dark_pooled)
    for ours, theirs in (("rescale", "guidance_rescale"), ("pag", "pag_scale"), ("sag", "sag_scale")):
        if ours in guidance:
            arguments[theirs] = guidance[ours]
    for key, (first, second) in (sizes or {}).items():
        name = {"crop": "crops_coords_top_left", "negative_crop": "negative_crops_coords_top_left"}.get(key, key)
        arguments[name] = (second, first)
    if freeu:
        pipe.enable_freeu(**freeu)
    latents = pipe(width=size[0], height=size[1], num_inference_steps=STEPS, generator=generator(), output_type="latent", **arguments).images
    if freeu:
        pipe.disable_freeu()
    return latents


# Step by step


class Step:
    """What guidance may look at: the noisy latents, the network's predictions, and what they mean."""

    def __init__(self, kind, index, latents, t, ddim, size):
        self.kind, self.index, self.latents, self.t, self.ids = kind, index, latents, t, time_ids(size)
        before = t - 1000 // STEPS
        self.signal, self.noise = self.levels(ddim.alphas_cumprod[t])
        self.next_signal, self.next_noise = self.levels(ddim.alphas_cumprod[before] if before >= 0 else ddim.final_alpha_cumprod)

    @staticmethod
    def levels(share):
        return share.sqrt(), (1 - share).sqrt()

    def predict(self, embedding):
        context, pooled = embedding
        added = None if pooled is None else dict(text_embeds=pooled, time_ids=self.ids)
        return model(self.kind).unet(self.latents, self.t, encoder_hidden_states=context, added_cond_kwargs=added).sample

    def denoised(self, prediction):
        if self.kind == "sd2v":
            return self.signal * self.latents - self.noise * prediction
        return (self.latents - self.noise * prediction) / self.signal

    def prediction(self, denoised):
        if self.kind == "sd2v":
            return (self.signal * self.latents - denoised) / self.noise
        return (self.latents - self.signal * denoised) / self.noise


@torch.no_grad()
def draw_by_steps(kind, size, guide):
    """Draw with what `guide` makes of each step: a prediction, or the next latents if it returns a pair of none and them."""
    ddim = scheduler(kind)
    ddim.set_timesteps(STEPS)
    latents = torch.randn((1, 4, size[1] // 8, size[0] // 8), generator=generator())
    for index, t in enumerate(ddim.timesteps):
        found = guide(Step(kind, index, latents, t, ddim, size))
        latents = found[1] if isinstance(found, tuple) else ddim.step(found, t, latents).prev_sample
    return latents


def rescaled(prediction, prompt, share):
    return share * prediction * prompt.std() / prediction.std() + (1 - share) * prediction


def thresholded(denoised, mimic, percentile):
    """The method of sd-dynamic-thresholding with separate channels, its mean as start, and `AD` as measure."""
    mean = denoised.mean((2, 3), keepdim=True)
    centred = denoised - mean
    wanted = (mimic - mimic.mean((2, 3), keepdim=True)).abs().amax((2, 3), keepdim=True)
    found = torch.quantile(centred.abs().flatten(2), percentile, dim=2)[..., None, None]
    bound = torch.maximum(wanted, found)
    return centred.clamp(-bound, bound) / bound * wanted + mean


class Guide:
    """Guidance by the fields of a case; how its prompts are read is given with them."""

    def __init__(self, kind, size, prompt, negative, guidance, parts=None, regions=(), phases=None, dark_phases=None):
        self.guidance, self.momentum = guidance, 0.0
        encode = lambda text: embed(kind, "a1111", text)
        # By the step's index. Parts, if there are some, are the prompt's.
        self.prompts = [[(encode(text), weight) for text, weight in parts or [(text, 1.0)]] for text in phases or [prompt] * STEPS]
        self.negatives = [encode(text) for text in dark_phases or [negative] * STEPS]
        self.empty = encode("")
        self.regions = [(encode(region["prompt"]), region.get("weight", 1.0) * region_mask(region, size)) for region in regions]
        self.is_composed = parts is not None

    def __call__(self, step):
        guidance, scale = self.guidance, scales(self.guidance)[step.index]
        negative = step.predict(self.negatives[step.index])
        parts = [(step.predict(embedding), weight) for embedding, weight in self.prompts[step.index]]
        # A single part of weight 1 is the prompt itself.
        prompt = negative + sum(weight * (part - negative) for part, weight in parts) if self.is_composed else parts[0][0]
        prompt = blended(prompt, [(step.predict(embedding), weight) for embedding, weight in self.regions])
        interval = guidance.get("interval", {"from": 0, "to": 1})
        if not interval["from"] <= step.index / STEPS < interval["to"]:
            return prompt
        if guidance.get("plus_plus"):
            prompt, negative = step.denoised(prompt), step.denoised(negative)
            guided = negative + scale * (prompt - negative)
            noise = (step.latents - step.signal * negative) / step.noise
            return None, step.next_signal * guided + step.next_noise * noise
        if "perpendicular" in guidance:
            empty = step.predict(self.empty)
            along, dark = prompt - empty, negative - empty
            across = dark - (dark * along).sum() / (along * along).sum() * along
            return empty + scale * (along - guidance["perpendicular"] * across)
        if "apg" in guidance:
            return step.prediction(self.projected(step.denoised(prompt), step.denoised(negative), scale))
        if "threshold" in guidance:
            mimic, percentile = guidance["threshold"]["mimic"], guidance["threshold"]["percentile"]
            by = lambda scale: step.denoised(negative + scale * (prompt - negative))
            return step.prediction(thresholded(by(scale), by(mimic), percentile))
        guided = negative + scale * (prompt - negative)
        return rescaled(guided, prompt, guidance["rescale"]) if "rescale" in guidance else guided

    def projected(self, prompt, negative, scale):
        options = self.guidance["apg"]
        self.momentum = prompt - negative + options["momentum"] * self.momentum
        direction = self.momentum
        if options["norm"] is not None:
            direction = direction * min(1.0, options["norm"] / direction.norm().item())
        along = (direction * prompt).sum() / (prompt * prompt).sum() * prompt
        return prompt + (scale - 1) * (direction - along + options["eta"] * along)


def scales(guidance):
    if "schedule" not in guidance:
        return [guidance["scale"]] * STEPS
    parts = [part.split("x") for part in guidance["schedule"].split("+")]
    return [float(scale) for scale, steps in parts for _ in range(int(steps))]


def blended(base, regions):
    """Blend predictions by their weights; the base has what is left of 1."""
    if not regions:
        return base
    total = sum(weight for _, weight in regions)
    left = (1 - total).clamp(min=0)
    return (left * base + sum(weight * prediction for prediction, weight in regions)) / (left + total)


def region_mask(region, size):
    """The share of each latent that lies in the region."""
    pixels = np.zeros(size[::-1], dtype="float32")
    if "mask" in region:
        pixels = np.array(Image.open(HERE / region["mask"]), dtype="float32") / 255
    else:
        left, top, width, height = region["rectangle"]
        pixels[top : top + height, left : left + width] = 1
    return torch.nn.functional.avg_pool2d(torch.from_numpy(pixels)[None, None], 8)


def write_mask():
    """Write a disk with a soft edge."""
    y, x = np.mgrid[0 : SMALL[1], 0 : SMALL[0]]
    disk = 400 - ((x - 36) ** 2 + (y - 17) ** 2) * 1.3
    Image.fromarray(disk.clip(0, 255).astype("uint8")).save(HERE / "mask.png", optimize=True)


# Cases


def cases():
    """Yield the name of each case, how it is drawn, its fields for the test, and those for this script alone."""
    def by(pipeline, name, kind, guidance, prompt=SEA, negative=DARK, size=SMALL, **settings):
        fields = dict(kind=kind, by=pipeline, prompt=prompt, negative=negative, size=size, guidance=guidance, **settings)
        return f"{kind}-{name}", fields, {}

    def steps(name, kind, guidance, prompt=SEA, negative=DARK, size=SMALL, regions=(), **script):
        fields = dict(kind=kind, prompt=prompt, negative=negative, size=size, guidance=guidance)
        return f"{kind}-{name}", fields | (dict(regions=regions) if regions else {}), script

    everywhere, plain = ("sd1", "sd2v", "sdxl"), dict(scale=7.5)

    # Long prompts
    for kind in everywhere:
        yield by("text", "two-chunks", kind, plain, TWO, DARK_TWO)
        yield steps("two-and-one-chunks", kind, plain, TWO)
    yield by("text", "comfy", "sd1", plain, TWO, DARK_TWO, syntax="comfy")
    yield by("text", "comfy", "sdxl", plain, TWO, DARK_TWO, syntax="comfy")
    yield steps("three-and-two-chunks", "sd1", plain, THREE, DARK_TWO)
    yield steps("one-and-two-chunks", "sdxl", plain, SEA, DARK_TWO)
    for clip_skip in (2, 3):
        yield by("text", f"clip-skip{clip_skip}", "sd1", plain, "a (red:1.3) house", clip_skip=clip_skip)
    yield by("text", "clip-skip3", "sdxl", plain, "a (red:1.3) house", clip_skip=3)

    # Guidance of diffusers
    for kind in everywhere:
        yield by("text", "rescale", kind, dict(plain, rescale=0.7))
    yield by("text", "rescale-euler", "sd1", dict(plain, rescale=0.7), sampler="euler")
    for scale in (0.0, 0.5, 1.0):
        yield by("text", f"scale{scale:g}", "sd1", dict(scale=scale))
    for kind in everywhere:
        yield by("pag", "pag", kind, dict(plain, pag=3.0), size=LARGE)
    for kind in ("sd1", "sdxl"):
        yield by("pag", "pag-alone", kind, dict(scale=1.0, pag=3.0), size=LARGE)
        yield by("pag", "pag-rescale", kind, dict(plain, pag=3.0, rescale=0.7), size=LARGE)
    yield by("pag", "pag-euler", "sd1", dict(plain, pag=3.0), size=LARGE, sampler="euler")
    for kind in ("sd1", "sd2v"):
        yield by("sag", "sag", kind, dict(plain, sag=0.75), size=LARGE)
    yield by("sag", "sag-alone", "sd1", dict(scale=1.0, sag=0.75), size=LARGE)
    freeu = dict(freeu=dict(s1=0.9, s2=0.2, b1=1.2, b2=1.4))
    for kind in everywhere:
        yield by("text", "freeu", kind, plain, size=LARGE, **freeu)
    yield by("text", "freeu-small", "sd1", plain, **freeu)
    yield by("text", "freeu-small", "sdxl", plain, **freeu)
    yield by("pag", "freeu-pag-rescale", "sd1", dict(plain, pag=3.0, rescale=0.7), size=LARGE, **freeu)

    # Sizes
    for name, sizes in (
        ("original-size", dict(original_size=(320, 200))),
        ("crop", dict(crop=(24, 8))),
        ("target-size", dict(target_size=(120, 64))),
        ("sizes", dict(original_size=(320, 200), crop=(24, 8), target_size=(120, 64))),
        ("negative-sizes", dict(
            original_size=(320, 200), crop=(24, 8), target_size=(120, 64), negative_original_size=(32, 24), negative_crop=(3, 5),
            negative_target_size=(56, 40),
        )),
    ):
        yield by("text", name, "sdxl", plain, sizes=sizes)

    # Guidance step by step
    red, green = "a red house ", "a green tree by the sea"
    for kind in ("sd1", "sdxl"):
        yield steps("and", kind, plain, f"{red}AND {green}:0.6 AND a cat :-0.3", parts=[(red, 1.0), (green, 0.6), ("a cat", -0.3)])
    yield steps("and-rescale", "sd2v", dict(plain, rescale=0.7), f"{red}AND {green}:0.6", parts=[(red, 1.0), (green, 0.6)])
    yield steps("and-alone", "sd1", dict(scale=1.0), f"{red}AND {green}:0.6", parts=[(red, 1.0), (green, 0.6)])
    yield steps("and-long", "sd1", plain, f"{red}AND {TWO}", parts=[(red, 1.0), (TWO, 1.0)])
    yield steps("weighted", "sd1", plain, f"{red}:1.3", parts=[(red, 1.3)])
    for kind in everywhere:
        yield steps("interval", kind, dict(plain, interval={"from": 0.2, "to": 0.6}))
        yield steps("schedule", kind, dict(plain, schedule="7.5x4+3x3+1.5x3"))
        yield steps("plus-plus", kind, dict(scale=0.6, plus_plus=True))
        norm = 7.5 * (4 * SMALL[0] * SMALL[1] / 64 / 16384) ** 0.5
        yield steps("apg", kind, dict(plain, apg=dict(APG, norm=norm)))
        yield steps("threshold", kind, dict(scale=15.0, threshold=dict(mimic=7.0, percentile=0.995)))
        yield steps("perpendicular", kind, dict(plain, perpendicular=1.0))
    yield steps("interval-rescale", "sd1", dict(plain, interval={"from": 0.2, "to": 0.6}, rescale=0.7))
    yield steps("apg-unbounded", "sd1", dict(plain, apg=dict(eta=0.5, norm=None, momentum=-0.5)))
    yield steps("apg-bound", "sd1", dict(plain, apg=dict(eta=0.0, norm=4.0, momentum=0.0)))
    yield steps("threshold-percentile1", "sd1", dict(scale=15.0, threshold=dict(mimic=7.0, percentile=1.0)))
    yield steps("threshold-percentile0.9", "sd1", dict(scale=15.0, threshold=dict(mimic=4.0, percentile=0.9)))
    yield steps("perpendicular0.5", "sd1", dict(plain, perpendicular=0.5))

    # Prompts that change
    for kind in ("sd1", "sdxl"):
        yield steps("switch", kind, plain, "a [red:green:0.5] house", phases=["a red house"] * 6 + ["a green house"] * 4)
    yield steps("switch-step", "sd1", plain, "a [(red:1.2):3] house", phases=["a  house"] * 4 + ["a (red:1.2) house"] * 6)
    yield steps("switch-off", "sd1", plain, "a house[ by the sea::.3]", phases=["a house by the sea"] * 4 + ["a house"] * 6)
    yield steps("alternate", "sd1", plain, "a [red|green] house", phases=[f"a {color} house" for color in ["red", *["red", "green"] * 4, "red"]])
    yield steps("switch-long", "sd1", plain, f"[a cat:{TWO}:0.4]", phases=["a cat"] * 5 + [TWO] * 5)
    yield steps("switch-negative", "sd1", plain, negative="[blurry:dark:2]", dark_phases=["blurry"] * 3 + ["dark"] * 7)

    # Regions
    left, middle = dict(prompt="a cat", rectangle=(0, 0, 20, 40)), dict(prompt="(green:1.2) sand", rectangle=(12, 10, 30, 26))
    for kind in everywhere:
        yield steps("region", kind, plain, regions=[left])
        yield steps("regions", kind, plain, regions=[dict(left, weight=0.6), dict(middle, weight=1.5)])
    yield steps("region-mask", "sd1", plain, regions=[dict(prompt="a cat", mask="mask.png", weight=0.8)])
    yield steps("regions-rescale", "sd1", dict(plain, rescale=0.7), regions=[middle])


def check_against_diffusers():
    for kind in ("sd1", "sd2v", "sdxl"):
        guidance = dict(scale=7.5, rescale=0.3)
        expected = draw_by_diffusers("text", kind, SEA, DARK, SMALL, guidance)
        found = draw_by_steps(kind, SMALL, Guide(kind, SMALL, SEA, DARK, guidance))
        assert (found - expected).abs().max() < 1e-3 * expected.std(), kind


def main():
    write_mask()
    check_against_diffusers()
    found, tensors = {}, {}
    for name, fields, script in cases():
        arguments = {key: value for key, value in fields.items() if key != "kind"}
        if "by" in fields:
            tensors[name] = draw_by_diffusers(kind=fields["kind"], **arguments)
        else:
            tensors[name] = draw_by_steps(fields["kind"], fields["size"], Guide(fields["kind"], **arguments, **script))
        assert name not in found and tensors[name].isfinite().all()
        found[name] = dict(fields, seed=SEED, steps=STEPS)
    text = json.dumps(found, indent=1)
    # Lists of numbers on one line.
    text = re.sub(r"\[[\s\d,.e+-]*\]", lambda numbers: re.sub(r"\s+", "", numbers[0]), text)
    (HERE / "cases.json").write_text(text + "\n")
    save_file({name: latents.contiguous() for name, latents in tensors.items()}, HERE / "latents.safetensors")


if __name__ == "__main__":
    main()
