"""Writes data/unets/, after golden.py: configs of U-Nets that are put together otherwise, and an image that each draws.

    python unets.py        (as golden.py)

`no-middle` has no block in the middle (segmind's tiny-sd), `uneven` as many layers of attention after each residual block
as it likes, and one residual block in the middle (SSD-1B).
"""
import json
import shutil

import diffusers
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from golden import BETAS, DATA, NEGATIVE, PROMPT, PUBLISHED, parts, with_seeded_weights
from PIL import Image

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
    diffusers.utils.logging.set_verbosity_error()
    shutil.rmtree(DATA / "unets", ignore_errors=True)
    tiny = parts("sd1", len(json.loads((DATA / "tokenizer" / "vocab.json").read_text())))
    for name, options in VARIANTS.items():
        folder = DATA / "unets" / name
        unet = with_seeded_weights("unets", name, UNet2DConditionModel(**COMMON, **options))
        unet.save_config(folder)
        scheduler = DDIMScheduler.from_config(dict(BETAS, **PUBLISHED, timestep_spacing="leading"))
        pipe = StableDiffusionPipeline(**{**tiny.components, "unet": unet, "scheduler": scheduler}, requires_safety_checker=False)
        pipe.set_progress_bar_config(disable=True)
        image = pipe(
            PROMPT, negative_prompt=NEGATIVE, num_inference_steps=5, width=64, height=64, output_type="np",
            generator=torch.Generator("cpu").manual_seed(42),
        ).images[0]
        Image.fromarray((image * 255).round().astype("uint8")).save(folder / "sd1.png", optimize=True)


if __name__ == "__main__":
    main()
