"""Levels of diffusers' two schedulers of EDM, and images that tiny models draw with them.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, pillow 13.0.0
Writes: cases.json, euler.png, euler-exponential.png, dpm++2m.png, dpm++2m-v.png, pixels.png
Test: crates/sd-pipeline/tests/golden/edm.rs
After: models

No pipeline of diffusers draws in pixels with these schedulers, so the loop here follows that of its pipelines for latents.
"""
import json
import pathlib
import sys

import torch
from diffusers import EDMDPMSolverMultistepScheduler, EDMEulerScheduler, UNet2DModel

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import NEGATIVE, PROMPT, pipeline, save_image, with_seeded_weights

HERE = pathlib.Path(__file__).parent
CLASSES = {"euler": EDMEulerScheduler, "dpm++2m": EDMDPMSolverMultistepScheduler}
COSXL = dict(sigma_data=1.0, sigma_max=120.0, sigma_schedule="exponential", prediction_type="v_prediction")
LEVELS = [dict(), COSXL, dict(rho=3.0, sigma_min=0.01, sigma_max=40.0), dict(final_sigmas_type="sigma_min")]


def levels(sampler, config, steps):
    """What a scheduler visits. Without the last level if it repeats the one before it."""
    scheduler = CLASSES[sampler](**config)
    scheduler.set_timesteps(steps)
    sigmas = [float(sigma) for sigma in scheduler.sigmas]
    if sigmas[-1] >= sigmas[-2] * (1 - 1e-6):
        sigmas.pop()
    times = [float(t) for t in scheduler.timesteps]
    start = float(scheduler.init_noise_sigma)
    return dict(sampler=sampler, config=config, steps=steps, sigmas=sigmas, times=times, start=start)


def draw(file, sampler, **config):
    pipe = pipeline("sd1")
    pipe.scheduler = CLASSES[sampler](**config)
    pipe.set_progress_bar_config(disable=True)
    image = pipe(
        PROMPT, negative_prompt=NEGATIVE, num_inference_steps=8, width=64, height=64, output_type="np",
        generator=torch.Generator("cpu").manual_seed(42),
    ).images[0]
    save_image(image, HERE / f"{file}.png")
    return dict(file=file, sampler=sampler, config=config)


def draw_pixels():
    network = with_seeded_weights("ddpm", "unet", UNet2DModel(
        sample_size=32, norm_num_groups=8, block_out_channels=(16, 32, 32),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=None, downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6,
    ))
    scheduler = EDMEulerScheduler()
    scheduler.set_timesteps(8)
    x = torch.randn((1, 3, 32, 32), generator=torch.Generator("cpu").manual_seed(42)) * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        x = scheduler.step(network(scheduler.scale_model_input(x, t), t).sample, t, x).prev_sample
    save_image((x / 2 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).numpy(), HERE / "pixels.png")


@torch.no_grad()
def main():
    cases = dict(levels=[], images=[])
    for config in LEVELS:
        for steps in (1, 2, 10):
            for sampler in CLASSES:
                # A single exponential step of diffusers begins at the smallest level, and one of its Euler to that goes nowhere.
                if steps > 1 or "sigma_schedule" not in config and "final_sigmas_type" not in config:
                    cases["levels"].append(levels(sampler, config, steps))
    cases["images"] = [
        draw("euler", "euler"),
        draw("euler-exponential", "euler", sigma_schedule="exponential", final_sigmas_type="sigma_min", sigma_min=0.1),
        draw("dpm++2m", "dpm++2m", rho=5.0),
        draw("dpm++2m-v", "dpm++2m", **COSXL),
    ]
    draw_pixels()
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
