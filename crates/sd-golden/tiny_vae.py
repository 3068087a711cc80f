"""Writes data/vae_tiny/, after golden.py: a small AutoencoderTiny without its weights, and what diffusers makes of it.

    python tiny_vae.py        (as golden.py)
"""
import json

import diffusers
import torch
from diffusers import AutoencoderTiny, DDIMScheduler
from golden import BETAS, DATA, NEGATIVE, PROMPT, PUBLISHED, noise, parts, with_seeded_weights
from PIL import Image
from safetensors.torch import save_file


@torch.no_grad()
def main():
    diffusers.utils.logging.set_verbosity_error()
    folder = DATA / "vae_tiny"
    vae = with_seeded_weights("vae_tiny", "vae", AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8), num_encoder_blocks=(1, 1, 2, 1),
        num_decoder_blocks=(2, 1, 1, 1),
    ))
    vae.save_pretrained(folder / "model")
    (folder / "model" / "diffusion_pytorch_model.safetensors").unlink()
    outputs = dict(decode=vae.decode(noise("z", 1, 4, 4, 6)).sample, encode=vae.encode(noise("image", 1, 3, 16, 24)).latents)
    save_file({k: v.contiguous() for k, v in outputs.items()}, folder / "networks.safetensors")
    pipe = parts("sd1", len(json.loads((DATA / "tokenizer" / "vocab.json").read_text())))
    pipe.set_progress_bar_config(disable=True)
    pipe.vae, pipe.scheduler = vae, DDIMScheduler.from_config(dict(BETAS, **PUBLISHED, timestep_spacing="leading"))
    image = pipe(
        PROMPT, negative_prompt=NEGATIVE, num_inference_steps=5, width=64, height=64, output_type="np",
        generator=torch.Generator("cpu").manual_seed(42),
    ).images[0]
    Image.fromarray((image * 255).round().astype("uint8")).save(folder / "sd1.png", optimize=True)


if __name__ == "__main__":
    main()
