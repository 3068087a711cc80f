"""The U-Nets of two tiny models with perturbed attention or with FreeU, and the attention in their middle.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, safetensors 0.8.0
Writes: sd1.safetensors, sdxl.safetensors
Test: crates/sd-unet/tests/golden/altered.rs
After: models

The images are neither square nor even, so that FreeU meets odd and even sizes at both of its resolutions.
"""
import pathlib
import sys

import torch
from diffusers.models.attention_processor import PAGIdentitySelfAttnProcessor2_0
from diffusers.pipelines.deprecated.stable_diffusion_sag.pipeline_stable_diffusion_sag import CrossAttnStoreProcessor
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import noise, pipeline

BATCH, HEIGHT, WIDTH = 2, 27, 21


def predict(kind, unet, copies=1):
    """Return the prediction for `copies` of the same batch."""
    added = dict(text_embeds=noise("text_embeds", BATCH, 40), time_ids=torch.tensor([[64.0, 96, 0, 8, 64, 96]] * BATCH))
    context = noise("context", BATCH, 7, unet.config.cross_attention_dim)
    return unet(
        torch.cat([noise("x", BATCH, 4, HEIGHT, WIDTH)] * copies), torch.tensor([981.0, 21.0] * copies), torch.cat([context] * copies),
        added_cond_kwargs={k: torch.cat([v] * copies) for k, v in added.items()} if kind == "sdxl" else None,
    ).sample


def perturbed(kind, unet):
    """Return the prediction as pipelines with `pag_applied_layers="mid"` make it: of a batch, the second half is perturbed."""
    plain = unet.attn_processors
    mid = [name for name in plain if name.startswith("mid_block") and "attn1" in name]
    unet.set_attn_processor({**plain, **{name: PAGIdentitySelfAttnProcessor2_0() for name in mid}})
    out = predict(kind, unet, copies=2)[BATCH:]
    unet.set_attn_processor(plain)
    return out


def attention_map(kind, unet):
    """Return what the pipeline of self-attention guidance compares with 1."""
    store, first = CrossAttnStoreProcessor(), unet.mid_block.attentions[0]
    plain, first.transformer_blocks[0].attn1.processor = first.transformer_blocks[0].attn1.processor, store
    sizes = []
    with first.register_forward_hook(lambda module, inputs, output: sizes.append(output[0].shape[-2:])):
        predict(kind, unet)
    first.transformer_blocks[0].attn1.processor = plain
    return store.attention_probs.unflatten(0, (BATCH, -1)).mean(1).sum(1).unflatten(1, sizes[0])


def with_freeu(kind, unet):
    unet.enable_freeu(s1=0.9, s2=0.2, b1=1.3, b2=1.4)
    out = predict(kind, unet)
    unet.disable_freeu()
    return out


@torch.no_grad()
def main():
    for kind in ("sd1", "sdxl"):
        unet = pipeline(kind).unet
        outputs = dict(perturbed=perturbed(kind, unet), map=attention_map(kind, unet), freeu=with_freeu(kind, unet))
        save_file({k: v.contiguous() for k, v in outputs.items()}, pathlib.Path(__file__).parent / f"{kind}.safetensors")


if __name__ == "__main__":
    main()
