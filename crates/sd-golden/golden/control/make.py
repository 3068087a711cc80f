"""Latents drawn by tiny models with ControlNets, T2I-Adapters and images as prompts.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, safetensors 0.8.0, pillow 13.0.0
Writes: networks.json, shapes, *.png, cases.json, latents.safetensors
Test: crates/sd-pipeline/tests/golden/control.rs
After: models

The models are those of the set `models`; tiny_control.py has the networks that control them. Everything is drawn by diffusers' pipelines, with
these additions: a ControlNet beside a T2I-Adapter, whose features are given to the U-Net by hand; images as prompts with a `start` or
an `end`, whose scales are set between the steps; and AUTOMATIC1111's modes, whose weights of residuals are those of Forge
(extensions-builtin/sd_forge_controlnet/scripts/controlnet.py): 0.825^(12 - i) for skip connection i and 1 for the middle, for every row in
the mode `prompt`, and for the prompt's alone in the mode `control`, where the negative prompt's are without control.

Each case has five steps, the seed 42 and the prompts of tiny.py. Sizes are width and height. What is left out of a control or of an image
prompt is diffusers' default: scale 1, start 0, end 1.

With every weight changed by a relative 2e-6, the latents change by at most 1e-4 of their size, and images by 0.001 of 255 in the mean.
Control changes images by 5 of 255 or more, and by 19 in most cases; by 2 where a fifth of it is applied, or without guidance.
"""
import functools
import inspect
import json
import pathlib
import shutil
import sys

import diffusers
import numpy as np
import torch
from diffusers import MultiAdapter
from diffusers.image_processor import IPAdapterMaskProcessor
from PIL import Image
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from models.make import SAMPLERS
from tiny import NEGATIVE, PROMPT, pipeline
from tiny_control import Networks

HERE = pathlib.Path(__file__).parent
STEPS, SEED = 5, 42
SQUARE, WIDE = (64, 64), (96, 64)
PIPELINES = {
    "text": "{}Pipeline", "img2img": "{}Img2ImgPipeline", "inpaint": "{}InpaintPipeline", "t2i": "{}AdapterPipeline",
    "control": "{}ControlNetPipeline", "control-img2img": "{}ControlNetImg2ImgPipeline", "control-inpaint": "{}ControlNetInpaintPipeline",
    "union": "{}ControlNetUnionPipeline",
}
# InstantStyle's: style is the middle one of the first attentions on the way up, composition the last one on the way down.
LAYERS = {"style": {"up": {"block_0": [0.0, 1.0, 0.0]}}, "composition": {"down": {"block_2": [0.0, 1.0]}}}


# Inputs


def write_images():
    """Write conditions, an image to begin with, masks, and images to be prompts, which are not square."""
    def save(values, name):
        Image.fromarray(np.clip(values, 0, 255).astype("uint8")).save(HERE / f"{name}.png", optimize=True)

    def grid(width, height):
        y, x = np.mgrid[0:height, 0:width]
        return x, y, (x - width // 3) ** 2 + (y - height // 2) ** 2 < (height // 4) ** 2, (abs(x - 2 * width // 3) < 9) & (abs(y - 30) < 17)

    def edges(width, height):
        _, _, disk, box = grid(width, height)
        inside = disk.astype(int) + 2 * box
        lines = np.zeros((height, width))
        lines[:-1] = 255 * (inside[1:] != inside[:-1])
        lines[:, :-1] = np.maximum(lines[:, :-1], 255 * (inside[:, 1:] != inside[:, :-1]))
        return np.stack([lines] * 3, -1)

    def picture(width, height, colors):
        x, y, disk, box = grid(width, height)
        rgb = np.stack([x * 250 // width, y * 250 // height, 200 - (x + y) * 180 // (width + height)], -1)
        rgb[disk], rgb[box] = colors
        return rgb

    x, y, disk, _ = grid(*SQUARE)
    save(edges(*SQUARE), "edges")
    save(edges(*WIDE), "wide")
    save(picture(*SQUARE, [(240, 40, 10), (30, 90, 250)]), "colors")
    save(40 + x * 2 + y + 60 * disk, "depth")
    save(picture(*SQUARE, [(240, 200, 60), (30, 60, 150)]), "input")
    save(255 * ((x - 36) ** 2 + (y - 30) ** 2 < 400), "mask")
    save(255 * (x < 24), "left")
    save(255 * (x >= 24), "right")
    save(picture(48, 40, [(250, 250, 200), (10, 80, 30)]), "photo")
    save(255 - picture(36, 56, [(200, 20, 90), (230, 230, 0)]), "other")


def read(name):
    return Image.open(HERE / f"{name}.png")


# Drawing


@functools.cache
def networks(kind):
    return Networks(kind)


@functools.cache
def base(kind):
    return pipeline(kind)


def scheduler(kind, sampler):
    config = json.loads((HERE.parent / "models" / kind / "model/scheduler/scheduler_config.json").read_text())
    return SAMPLERS[sampler](config)


def open_pipeline(form, kind, **parts):
    is_xl = kind == "sdxl"
    Pipeline = getattr(diffusers, PIPELINES[form].format("StableDiffusionXL" if is_xl else "StableDiffusion"))
    options = dict(force_zeros_for_empty_prompt=True, add_watermarker=False) if is_xl else dict(requires_safety_checker=False)
    known = inspect.signature(Pipeline.__init__).parameters
    given = dict(base(kind).components, **options) | parts
    pipe = Pipeline(**{key: value for key, value in given.items() if key in known})
    pipe.set_progress_bar_config(disable=True)
    return pipe


def lies_in(step, part):
    """Whether a step is between the `start` and `end` of a control or an image prompt, as diffusers decides."""
    return step / STEPS >= part.get("start", 0.0) and (step + 1) / STEPS <= part.get("end", 1.0)


def read_control(control, case):
    """The image that a control network sees."""
    image = read(control["image"])
    if control.get("preprocess") != "inpaint":
        return image
    values = torch.from_numpy(np.array(image)).float().permute(2, 0, 1)[None] / 255
    hidden = torch.from_numpy(np.array(read(case["mask"]))) > 127
    return values.masked_fill(hidden, -1.0)


def weigh(network, mode):
    """Give the residuals of a ControlNet the weights of one of AUTOMATIC1111's modes."""
    forward = network.forward

    def weighed(sample, *arguments, **options):
        skips, middle = forward(sample, *arguments, **options)
        rows = torch.ones(len(sample), 1, 1, 1)
        if mode == "control" and len(sample) == 2:
            rows[0] = 0
        return [rows * 0.825 ** (12 - i) * skip for i, skip in enumerate(skips)], rows * middle

    network.forward = weighed
    return network


def with_features(unet, features):
    """Let the U-Net add features of adapters in each call."""
    forward = unet.forward
    unet.forward = lambda sample, *arguments, **options: forward(
        sample, *arguments, down_intrablock_additional_residuals=[x.expand(len(sample), -1, -1, -1) for x in features], **options
    )


def add_image_prompts(pipe, kind, prompts):
    """Load the adapters, and return what the pipeline is called with."""
    one_adapter = lambda prompt: networks(kind).load(prompt["network"])
    pipe.load_ip_adapter([one_adapter(prompt) for prompt in prompts], subfolder="", weight_name=[""] * len(prompts))

    def scale(prompt, step):
        scale = prompt.get("scale", 1.0) if lies_in(step, prompt) else 0.0
        layers = LAYERS.get(prompt.get("layers"))
        if layers is None:
            return scale
        return {way: {block: [scale * x for x in each] for block, each in blocks.items()} for way, blocks in layers.items()}

    def set_scales(step):
        # What diffusers does not find in a dictionary keeps the scale that it had.
        pipe.set_ip_adapter_scale([0.0] * len(prompts))
        pipe.set_ip_adapter_scale([scale(prompt, step) for prompt in prompts])

    def after_step(_, step, __, kept):
        set_scales(step + 1)
        return kept

    set_scales(0)
    arguments = dict(ip_adapter_image=[[read(image) for image in prompt["images"]] for prompt in prompts], callback_on_step_end=after_step)
    if any("masks" in prompt for prompt in prompts):
        processor = IPAdapterMaskProcessor()
        masks = [processor.preprocess([read(mask) for mask in prompt["masks"]]) for prompt in prompts]
        arguments["cross_attention_kwargs"] = dict(ip_adapter_masks=[mask.permute(1, 0, 2, 3) for mask in masks])
    return arguments


def draw(case, without_control=False):
    """Draw a case, and return the latents."""
    kind, task = case["kind"], case.get("task", "text")
    controls = [] if without_control else case.get("controls", [])
    prompts = [] if without_control else case.get("image_prompts", [])
    nets = [control for control in controls if not control["network"].startswith("t2i")]
    adapters = [control for control in controls if control not in nets]
    # Adapters change the U-Net.
    parts = dict(unet=pipeline(kind).unet)
    if prompts:
        parts["image_encoder"] = networks(kind).load("image_encoder")
    arguments, form = {}, task

    if adapters:
        loaded = [networks(kind).load(control["network"]) for control in adapters]
        images, scales = [read_control(control, case) for control in adapters], [control.get("scale", 1.0) for control in adapters]
    if adapters and nets:
        [adapter], [image], [scale] = loaded, images, scales
        values = torch.from_numpy(np.array(image)).float().permute(2, 0, 1)[None] / 255
        with torch.no_grad():
            with_features(parts["unet"], [scale * x for x in adapter(values)])
    elif adapters:
        form = "t2i"
        several = len(adapters) > 1
        parts["adapter"] = MultiAdapter(loaded) if several else loaded[0]
        arguments |= dict(image=images if several else images[0], adapter_conditioning_scale=scales if several else scales[0])
        if "end" in adapters[0]:
            arguments["adapter_conditioning_factor"] = adapters[0]["end"]
    if nets:
        loaded = [networks(kind).load(control["network"]) for control in nets]
        if "mode" in case:
            loaded = [weigh(network, case["mode"]) for network in loaded]
        is_union = "type" in nets[0]
        form = "union" if is_union else "control" if task == "text" else f"control-{task}"
        several = len(nets) > 1
        one_or_all = lambda values: values if several else values[0]
        # One union network takes several conditions.
        parts["controlnet"] = loaded if several and not is_union else loaded[0]
        images = [read_control(control, case) for control in nets]
        arguments |= dict(
            controlnet_conditioning_scale=one_or_all([control.get("scale", 1.0) for control in nets]),
            control_guidance_start=one_or_all([control.get("start", 0.0) for control in nets]),
            control_guidance_end=one_or_all([control.get("end", 1.0) for control in nets]), guess_mode=case.get("guess", False),
        )
        if is_union:
            arguments |= dict(control_image=images, control_mode=[control["type"] for control in nets])
        else:
            arguments["image" if form == "control" else "control_image"] = one_or_all(images)
    if task != "text":
        arguments |= dict(image=read(case["image"]), strength=case["strength"])
    if task == "inpaint":
        arguments["mask_image"] = read(case["mask"])
    if task != "img2img":
        arguments |= dict(width=case["size"][0], height=case["size"][1])

    pipe = open_pipeline(form, kind, **parts)
    pipe.scheduler = scheduler(kind, case["sampler"])
    if prompts:
        arguments |= add_image_prompts(pipe, kind, prompts)
    return pipe(
        PROMPT, negative_prompt=NEGATIVE, num_inference_steps=STEPS, guidance_scale=case["guidance"],
        generator=torch.Generator("cpu").manual_seed(SEED), output_type="latent", **arguments,
    ).images


# Cases


def cases():
    """Yield the name of each case and its fields."""
    def case(kind, name, *parts, sampler="ddim", guidance=7.5, size=SQUARE, **fields):
        controls = [part for part in parts if "image" in part]
        prompts = [part for part in parts if "images" in part]
        found = dict(kind=kind, sampler=sampler, guidance=guidance, size=size, **fields)
        return f"{kind}-{name}", found | (dict(controls=controls) if controls else {}) | (dict(image_prompts=prompts) if prompts else {})

    def control(network="controlnet", image="edges", **fields):
        return dict(network=network, image=image, **fields)

    def prompt(network="ip", *images, **fields):
        return dict(network=network, images=list(images or ["photo"]), **fields)

    second, window = control("controlnet-2", "colors"), dict(start=0.2, end=0.6)
    both = ("sd1", "sdxl")

    # ControlNet
    for kind in ("sd1", "sd2v", "sdxl"):
        yield case(kind, "controlnet", control())
    for kind in both:
        yield case(kind, "controlnet-alone", control(), guidance=1.0)
        yield case(kind, "controlnet-euler", control(), sampler="euler")
        yield case(kind, "controlnet-wide", control(image="wide"), size=WIDE)
        yield case(kind, "controlnet-half", control(scale=0.5))
        yield case(kind, "controlnet-window", control(**window))
        yield case(kind, "two-controlnets", control(scale=0.7), second)
        yield case(kind, "guess", control(), guess=True)
        yield case(kind, "guess-alone", control(), guess=True, guidance=1.0)
        for mode in ("prompt", "control"):
            yield case(kind, f"mode-{mode}", control(), mode=mode)
    yield case("sd1", "controlnet-dpm++2m", control(), sampler="dpm++2m")
    yield case("sd1", "two-windows", control(**window), dict(second, scale=0.6, start=0.4))
    yield case("sd1", "same-twice", control(scale=0.4), control(image="colors", scale=0.8))
    yield case("sd1", "guess-half", control(scale=0.5), guess=True)
    yield case("sd1", "mode-control-alone", control(), mode="control", guidance=1.0)
    yield case("sd1", "pooled", control("pooled", "colors"))
    yield case("sd1", "pooled-alone", control("pooled", "colors"), guidance=1.0)
    yield case("sd1", "bgr", control("bgr", "colors"))

    # Beginning with an image
    begun = dict(image="input", strength=0.6)
    for kind in both:
        yield case(kind, "img2img", control(), task="img2img", **begun)
    yield case("sd1", "img2img-window", control(**window), task="img2img", **dict(begun, strength=1.0))
    masked = dict(begun, task="inpaint", mask="mask")
    yield case("sd1", "inpaint", control(), **masked)
    yield case("sd1", "inpaint-hidden", control(image="input", preprocess="inpaint"), **masked)
    yield case("sdxl", "inpaint", control(), **masked)

    # T2I-Adapter
    for kind in both:
        yield case(kind, "t2i", control("t2i", "colors"))
        yield case(kind, "t2i-half", control("t2i", "colors", scale=0.5))
        yield case(kind, "t2i-wide", control("t2i", "wide"), size=WIDE)
        yield case(kind, "two-t2i", control("t2i", scale=0.6), control("t2i-2", "colors", scale=0.8))
        yield case(kind, "t2i-controlnet", control("t2i", "colors"), control())
    yield case("sd1", "t2i-alone", control("t2i", "colors"), guidance=1.0)
    yield case("sd1", "t2i-gray", control("t2i-gray", "depth"))
    yield case("sd1", "t2i-light", control("t2i-light", "colors"))
    yield case("sd1", "t2i-light-gray", control("t2i-light-gray", "depth"))
    yield case("sdxl", "t2i-end", control("t2i", "colors", end=0.2))

    # Union
    tile, edges = dict(type=2), dict(type=3)
    yield case("sdxl", "union", control("union", **edges))
    yield case("sdxl", "union-half", control("union", scale=0.5, **edges))
    # With guidance, diffusers' union network has more condition types than images in this mode, and fails.
    yield case("sdxl", "union-guess-alone", control("union", **edges), guess=True, guidance=1.0)
    yield case("sdxl", "union-two", control("union", **edges), control("union", "colors", **tile))
    yield case("sdxl", "union-two-scales", control("union", scale=0.4, **edges), control("union", "colors", scale=0.8, **tile))

    # IP-Adapter
    for kind in both:
        yield case(kind, "ip", prompt())
        yield case(kind, "ip-alone", prompt(), guidance=1.0)
        yield case(kind, "ip-plus", prompt("ip-plus"))
        yield case(kind, "ip-half", prompt(scale=0.5))
        yield case(kind, "ip-mask", prompt(masks=["left"]))
        yield case(kind, "ip-controlnet", prompt(), control())
    yield case("sd1", "ip-wide", prompt("ip", "other"), size=WIDE)
    yield case("sd1", "ip-full", prompt("ip-full"))
    yield case("sd1", "ip-plus-alone", prompt("ip-plus"), guidance=1.0)
    yield case("sd1", "ip-window", prompt(**window))
    yield case("sd1", "ip-img2img", prompt(), task="img2img", **begun)
    yield case("sd1", "ip-two-images", prompt("ip", "photo", "other"))
    yield case("sd1", "ip-plus-two-images", prompt("ip-plus", "photo", "other"))
    yield case("sd1", "ip-two-masks", prompt("ip", "photo", "other", masks=["left", "right"]))
    yield case("sd1", "two-ips", prompt(scale=0.7), prompt("ip-plus", "other", scale=0.5))
    yield case("sd1", "two-ips-masks", prompt(masks=["left"]), prompt("ip-2", "other", masks=["right"]))
    for layers in LAYERS:
        yield case("sdxl", f"ip-{layers}", prompt(layers=layers))
    yield case("sdxl", "ip-style-composition", prompt(layers="style", scale=0.8), prompt("ip-2", "other", layers="composition"))


def one_a_line(content):
    """JSON with the values of the inner objects on one line each."""
    lines = ",\n".join(f' {json.dumps(key)}: {json.dumps(value)}' for key, value in content.items())
    return f"{{\n{lines}\n}}"


def main():
    # Tensors are too small for more.
    torch.set_num_threads(1)
    shutil.rmtree(HERE / "shapes", ignore_errors=True)
    (HERE / "shapes").mkdir()
    write_images()
    kinds = ("sd1", "sd2v", "sdxl")
    described = [f'"{kind}": {one_a_line(networks(kind).descriptions())}' for kind in kinds]
    (HERE / "networks.json").write_text("{" + ",\n".join(described) + "}\n")
    for kind in kinds:
        networks(kind).write_lists(HERE / "shapes")
    found, tensors = {}, {}
    for name, case in cases():
        assert name not in found
        tensors[name] = draw(case)
        assert tensors[name].isfinite().all(), name
        found[name] = case
    (HERE / "cases.json").write_text(one_a_line(found) + "\n")
    save_file({name: latents.contiguous() for name, latents in tensors.items()}, HERE / "latents.safetensors")


if __name__ == "__main__":
    main()
