"""Images and configs of U-Nets with other block structures.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, pillow 13.0.0
Writes: no-middle, uneven
Test: crates/sd-pipeline/tests/golden/overrides.rs
After: models

`no-middle` has no middle block (as segmind's tiny-sd). `uneven` has its own number of attention layers after each residual
block, and one residual block in the middle (as SSD-1B).
"""
import pathlib
import shutil
import sys

import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import draw_five_steps, pipeline, with_seeded_weights

COMMON = dict(sample_size=8, norm_num_groups=8, cross_attention_dim=32, attention_head_dim=4, block_out_channels=(16, 32, 32))
VARIANTS = {
    "no-middle": dict(
        down_block_types=("CrossAttnDownBlock2D",) * 3, up_block_types=("CrossAttnUpBlock2D",) * 3, mid_block_type=None,
        layers_per_block=1,
    ),
    "uneven": dict(
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), mid_block_type="UNetMidBlock2D",
        transformer_layers_per_block=[1, [2, 1], [1, 2]], reverse_transformer_layers_per_block=[[2, 1, 3], [1, 2, 1], 1],
    ),
}


@torch.no_grad()
def main():
    tiny = pipeline("sd1")
    for name, options in VARIANTS.items():
        folder = pathlib.Path(__file__).parent / name
        shutil.rmtree(folder, ignore_errors=True)
        unet = with_seeded_weights("unets", name, UNet2DConditionModel(**COMMON, **options))
        unet.save_config(folder)
        pipe = StableDiffusionPipeline(**{**tiny.components, "unet": unet}, requires_safety_checker=False)
        draw_five_steps(pipe, folder / "sd1.png")


if __name__ == "__main__":
    main()
