"""Images of a tiny pixel model without weights that also says the variance of its noise, in six output channels.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, pillow 13.0.0
Writes: model, ddpm.png, ddpm-v.png, dpm++2m.png
Test: crates/sd-pipeline/tests/golden/learned_variance.rs

`dpm++2m` reads the first three channels alone.
"""
import pathlib
import shutil
import sys

import torch
from diffusers import DDPMPipeline, DDPMScheduler, DPMSolverMultistepScheduler, UNet2DModel

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import save_image, with_seeded_weights

HERE = pathlib.Path(__file__).parent


@torch.no_grad()
def main():
    shutil.rmtree(HERE / "model", ignore_errors=True)
    network = with_seeded_weights("learned_variance", "unet", UNet2DModel(
        sample_size=16, out_channels=6, norm_num_groups=8, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    ))
    # So little noise that an untrained network does not draw black and white alone.
    learned = dict(variance_type="learned_range", beta_end=0.002)
    DDPMPipeline(network, DDPMScheduler(**learned)).save_pretrained(HERE / "model")
    (HERE / "model" / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    for name, scheduler in {
        "ddpm": DDPMScheduler(**learned),
        "ddpm-v": DDPMScheduler(**learned, prediction_type="v_prediction", clip_sample=False),
        "dpm++2m": DPMSolverMultistepScheduler(**learned),
    }.items():
        pipe = DDPMPipeline(network, scheduler)
        pipe.set_progress_bar_config(disable=True)
        image = pipe(num_inference_steps=10, generator=torch.Generator("cpu").manual_seed(42), output_type="np").images[0]
        save_image(image, HERE / f"{name}.png")


if __name__ == "__main__":
    main()
