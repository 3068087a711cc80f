"""A small AutoencoderTiny without weights: its outputs, and an image that it decodes.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, safetensors 0.8.0, pillow 13.0.0
Writes: model, networks.safetensors, sd1.png
Test: crates/sd-pipeline/tests/golden/vae.rs, crates/sd-vae/tests/golden/networks.rs
After: models
"""
import pathlib
import sys

import torch
from diffusers import AutoencoderTiny
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import draw_five_steps, noise, pipeline, with_seeded_weights

HERE = pathlib.Path(__file__).parent


@torch.no_grad()
def main():
    vae = with_seeded_weights("vae_tiny", "vae", AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8), num_encoder_blocks=(1, 1, 2, 1),
        num_decoder_blocks=(2, 1, 1, 1),
    ))
    vae.save_pretrained(HERE / "model")
    (HERE / "model" / "diffusion_pytorch_model.safetensors").unlink()
    outputs = dict(decode=vae.decode(noise("z", 1, 4, 4, 6)).sample, encode=vae.encode(noise("image", 1, 3, 16, 24)).latents)
    save_file({k: v.contiguous() for k, v in outputs.items()}, HERE / "networks.safetensors")
    pipe = pipeline("sd1")
    pipe.vae = vae
    draw_five_steps(pipe, HERE / "sd1.png")


if __name__ == "__main__":
    main()
