"""Images that begin with an image: image-to-image, inpainting, pix2pix, depth, and the refiner of XL.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, pillow 13.0.0
Writes: input.png, wide.png, mask.png, corner.png, depth.png, cases.json, expected, refiner
Test: crates/sd-pipeline/tests/golden/editing.rs
After: models

The models are those of the set `models`. In a case with `channels`, unet/config.json has this number as its `in_channels`, and
the weights follow the same rule with the new shape. The refiner's own folder is in `refiner`, without weights. An inpainted
image is as the network drew it, also outside the mask, except in cases with `padding`, which diffusers composites.
With every weight changed by a relative 2e-6, diffusers itself draws the images with a mean difference of at most 0.0024 (of 255).
"""
import functools
import json
import pathlib
import shutil
import sys

import numpy as np
import torch
from diffusers import (
    StableDiffusionDepth2ImgPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline,
    StableDiffusionInstructPix2PixPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline,
)
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from models.make import GRIDS, SAMPLERS, save_configs
from tiny import NEGATIVE, PROMPT, pipeline, save_image

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 56, 40
PIPELINES = {
    "img2img": StableDiffusionImg2ImgPipeline, "inpaint": StableDiffusionInpaintPipeline,
    "pix2pix": StableDiffusionInstructPix2PixPipeline, "depth": StableDiffusionDepth2ImgPipeline,
}
XL_PIPELINES = {"img2img": StableDiffusionXLImg2ImgPipeline, "inpaint": StableDiffusionXLInpaintPipeline}


def write_inputs():
    """Write images of gradients and shapes, masks with soft edges, and a depth map."""
    def save(values, name):
        Image.fromarray(values.clip(0, 255).astype("uint8")).save(HERE / name, optimize=True)

    def picture(width, height):
        y, x = np.mgrid[0:height, 0:width]
        rgb = np.stack([x * 250 // width, y * 250 // height, 200 - (x + y) * 180 // (width + height)], -1)
        rgb[(x - width // 3) ** 2 + (y - height // 2) ** 2 < (height // 4) ** 2] = 240, 200, 60
        rgb[(x > width * 3 // 5) & (x < width * 4 // 5) & (y > height // 5) & (y < height * 2 // 3)] = 30, 60, 150
        return rgb

    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    save(picture(WIDTH, HEIGHT), "input.png")
    save(picture(100, 75), "wide.png")
    save(900 - ((x - 30) ** 2 * 3 + (y - 19) ** 2 * 6), "mask.png")
    save(60 * np.minimum(np.minimum(x - 2, 18 - x), np.minimum(y - 21, 36 - y)), "corner.png")
    save(40 + x * 2 + y + 60 * ((x - 20) ** 2 + (y - 20) ** 2 < 150), "depth.png")


@functools.cache
def model(kind, channels=4):
    return pipeline(kind, channels)


def configured(kind, sampler, schedule=None):
    folder = HERE / "refiner" if kind == "refiner" else HERE.parent / "models" / kind
    config = json.loads((folder / "model/scheduler/scheduler_config.json").read_text())
    return SAMPLERS[sampler](dict(config, **({GRIDS[schedule]: True} if schedule else {})))


def generator():
    return torch.Generator("cpu").manual_seed(42)


def describe(drawn, file, **settings):
    """Write the image that was drawn, and return what the test reads of the case."""
    save_image(drawn, HERE / "expected" / f"{file}.png")
    case = dict(prompt=PROMPT, negative=NEGATIVE, seed=42, width=drawn.shape[1], height=drawn.shape[0], **settings)
    return {key: value for key, value in case.items() if value is not None}


def draw(name, task, kind, sampler, steps=10, channels=4, schedule=None, image="input.png", mask=None, depth=None, **settings):
    components = model(kind, channels).components
    XL = kind in ("sdxl", "refiner")
    if task == "depth":
        components = {key: value for key, value in components.items() if key not in ("safety_checker", "image_encoder")}
        pipe = PIPELINES[task](**components, depth_estimator=None)
    elif XL:
        pipe = XL_PIPELINES[task](
            **components, requires_aesthetics_score=kind == "refiner", force_zeros_for_empty_prompt=kind == "sdxl", add_watermarker=False,
        )
    else:
        pipe = PIPELINES[task](**components, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = configured(kind, sampler, schedule)
    settings = dict(guidance=7.5) | settings
    names = dict(guidance="guidance_scale", image_guidance="image_guidance_scale", padding="padding_mask_crop")
    arguments = {names.get(key, key): value for key, value in settings.items()}
    if mask is not None:
        arguments |= dict(mask_image=Image.open(HERE / mask), width=WIDTH, height=HEIGHT)
    if depth is not None:
        arguments["depth_map"] = torch.from_numpy(np.array(Image.open(HERE / depth))).float()[None] / 255
    result = pipe(
        PROMPT, negative_prompt=NEGATIVE, image=Image.open(HERE / image), num_inference_steps=steps, generator=generator(),
        output_type="pil" if "padding" in settings else "np", **arguments,
    ).images[0]
    if "padding" in settings:
        result = np.array(result) / 255
    return describe(
        result, name, pipeline=task, kind=kind, channels=channels if channels != 4 else None, sampler=sampler, schedule=schedule,
        steps=steps, image=image, mask=mask, depth=depth, **settings,
    )


def draw_refined(name, sampler, start):
    base, refiner = model("sdxl"), model("refiner")
    base.scheduler, refiner.scheduler = configured("sdxl", sampler), configured("refiner", sampler)
    common = dict(prompt=PROMPT, negative_prompt=NEGATIVE, num_inference_steps=10, guidance_scale=7.5)
    latents = base(**common, width=WIDTH, height=HEIGHT, generator=generator(), denoising_end=start, output_type="latent").images
    image = refiner(**common, image=latents, generator=generator(), denoising_start=start, output_type="np").images[0]
    return describe(image, name, pipeline="refine", kind="sdxl", sampler=sampler, steps=10, guidance=7.5, refiner_start=start)


def cases():
    """Yield the name and the settings of each case."""
    def add(name, task, kind, sampler, **settings):
        return f"{kind}-{name}", (task, kind, sampler), settings

    for sampler in (
        "ddim", "plms", "ddpm", "euler", "euler-a", "heun", "dpm2", "dpm2-a", "lms", "dpm++2m", "unipc", "deis", "sa-solver", "lcm",
    ):
        yield add(sampler, "img2img", "sd1", sampler, strength=0.58)
    yield add("ddim-eta1", "img2img", "sd1", "ddim", strength=0.58, eta=1.0)
    yield add("dpm++2m-karras", "img2img", "sd1", "dpm++2m", strength=0.58, schedule="karras")
    for sampler in ("dpm++2m", "deis"):
        yield add(f"{sampler}-20", "img2img", "sd1", sampler, strength=0.58, steps=20)
    for sampler in ("ddim", "euler"):
        for strength in (0.3, 1.0):
            yield add(f"{sampler}-strength{strength}", "img2img", "sd1", sampler, strength=strength)
    yield add("ddim-wide", "img2img", "sd1", "ddim", strength=0.58, image="wide.png")
    for kind in ("sd2v", "sdxl"):
        for sampler in ("ddim", "euler", "euler-a", "dpm++2m"):
            yield add(sampler, "img2img", kind, sampler, strength=0.58)
    yield add("euler", "img2img", "refiner", "euler", strength=0.3)

    masked = dict(mask="mask.png")
    for sampler in ("ddim", "euler", "euler-a", "heun", "dpm++2m", "unipc"):
        yield add(f"inpaint-{sampler}", "inpaint", "sd1", sampler, strength=0.58, **masked)
    for kind, sampler in (("sd1", "ddim"), ("sd1", "euler-a"), ("sdxl", "ddim"), ("sdxl", "euler-a")):
        yield add(f"inpaint-{sampler}-strength1", "inpaint", kind, sampler, strength=1.0, **masked)
    yield add("inpaint-euler", "inpaint", "sdxl", "euler", strength=0.58, **masked)
    yield add("inpaint-no-guidance", "inpaint", "sd1", "ddim", strength=0.58, guidance=1.0, **masked)
    for sampler in ("ddim", "euler-a"):
        for strength in (0.58, 1.0):
            yield add(f"inpaint9-{sampler}-strength{strength}", "inpaint", "sd1", sampler, strength=strength, channels=9, **masked)
    yield add("inpaint9-euler", "inpaint", "sdxl", "euler", strength=0.99, channels=9, **masked)
    yield add("inpaint-padding8", "inpaint", "sd1", "ddim", strength=0.58, mask="corner.png", padding=8)

    edit = dict(channels=8, image_guidance=1.5)
    for sampler in ("ddim", "euler", "euler-a"):
        yield add(f"pix2pix-{sampler}", "pix2pix", "sd1", sampler, **edit)
    yield add("pix2pix-image-guidance1", "pix2pix", "sd1", "ddim", **(edit | dict(image_guidance=1.0)))
    yield add("pix2pix-no-guidance", "pix2pix", "sd1", "ddim", guidance=1.0, **edit)

    deep = dict(channels=5, depth="depth.png")
    yield add("depth-ddim", "depth", "sd1", "ddim", strength=0.58, **deep)
    yield add("depth-euler", "depth", "sd1", "euler", strength=0.8, **deep)
    yield add("depth-wide", "depth", "sd2v", "ddim", strength=0.8, image="wide.png", **deep)


def main():
    for name in ("expected", "refiner"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    (HERE / "expected").mkdir()
    write_inputs()
    save_configs("refiner", model("refiner"), HERE / "refiner" / "model")
    found = {name: draw(name, *task, **settings) for name, task, settings in cases()}
    for sampler in ("ddim", "euler", "heun", "dpm++2m"):
        found[f"refined-{sampler}"] = draw_refined(f"refined-{sampler}", sampler, 0.8)
    (HERE / "cases.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
