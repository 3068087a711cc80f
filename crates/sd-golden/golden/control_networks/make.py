"""Residuals of tiny ControlNets for three families, and of one for several kinds of hints.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, safetensors 0.8.0
Writes: *.safetensors
Test: crates/sd-unet/tests/golden/control.rs
After: models

The images are neither square nor even. `sd2v` expects BGR and pools its residuals; `sdxl` is in guess mode with a scale. The
union's attention runs along the batch, so that images would depend on those beside them: each is computed alone.
"""
import pathlib
import sys

import torch
from diffusers import ControlNetModel, ControlNetUnionModel
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import noise, pipeline, with_seeded_weights

BATCH, HEIGHT, WIDTH = 2, 7, 5
SHARED = dict(norm_num_groups=8, conditioning_embedding_out_channels=(4, 8, 12, 16))
XL = dict(
    cross_attention_dim=72, attention_head_dim=[2, 4, 8], use_linear_projection=True, block_out_channels=(16, 32, 32),
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), transformer_layers_per_block=[1, 1, 2],
    addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 40,
)
FOUR = (16, 32, 32, 32)
NETWORKS = dict(
    sd1=dict(cross_attention_dim=32, attention_head_dim=4, block_out_channels=FOUR),
    sd2v=dict(
        cross_attention_dim=32, attention_head_dim=[2, 4, 4, 4], use_linear_projection=True, block_out_channels=FOUR,
        controlnet_conditioning_channel_order="bgr", global_pool_conditions=True,
    ),
    sdxl=XL,
)


def hint(name, rows=slice(None)):
    """Return a bright and a dark image, from 0 to 1."""
    brightness = torch.tensor([1.0, 0.1])[:, None, None, None]
    return (noise(name, BATCH, 3, 8 * HEIGHT, 8 * WIDTH).sigmoid() * brightness)[rows]


def inputs(network, rows=slice(None)):
    added = dict(text_embeds=noise("text_embeds", BATCH, 40)[rows], time_ids=torch.tensor([[64.0, 96, 0, 8, 64, 96]] * BATCH)[rows])
    return dict(
        sample=noise("x", BATCH, 4, HEIGHT, WIDTH)[rows], timestep=torch.tensor([981.0, 21.0])[rows],
        encoder_hidden_states=noise("context", BATCH, 7, network.config.cross_attention_dim)[rows],
        added_cond_kwargs=added if network.config.addition_embed_type else None, return_dict=False,
    )


def named(residuals):
    skips, mid = residuals
    return {f"{i}": skip.contiguous() for i, skip in enumerate([*skips, mid])}


def plain(kind):
    network = with_seeded_weights(kind, "controlnet", ControlNetModel(**SHARED, **NETWORKS[kind]))
    # Otherwise this would be no copy of the U-Net's half.
    unet = dict(pipeline(kind).unet.named_parameters())
    assert all(p.shape == unet[key].shape for key, p in network.named_parameters() if not key.startswith("controlnet"))
    options = dict(guess_mode=True, conditioning_scale=0.7) if kind == "sdxl" else {}
    return network(controlnet_cond=hint("hint"), **options, **inputs(network))


def union(kinds, scales):
    """Return the residuals with one or more hints, the hint of kind `i` named `hint i`."""
    transformer = dict(num_control_type=6, num_trans_channel=16, num_trans_head=4, num_trans_layer=2, num_proj_channel=16)
    network = with_seeded_weights("sdxl", "union", ControlNetUnionModel(**SHARED, **XL, **transformer))
    present = torch.tensor([[float(kind in kinds) for kind in range(6)]])

    def residuals(rows):
        # As the pipeline calls it.
        return network(
            controlnet_cond=[hint(f"hint {kind}", rows) for kind in kinds], control_type=present.repeat(len(range(BATCH)[rows]), 1),
            control_type_idx=kinds, conditioning_scale=scales, **inputs(network, rows),
        )

    alone = [residuals(slice(i, i + 1)) for i in range(BATCH)]
    beside = residuals(slice(None))
    alone = [torch.cat(skips) for skips in zip(*(skips for skips, _ in alone))], torch.cat([mid for _, mid in alone])
    # The tests must see the difference.
    assert (beside[1] - alone[1]).abs().max() > 1e-3 * alone[1].std()
    return alone


@torch.no_grad()
def main():
    outputs = {kind: plain(kind) for kind in NETWORKS}
    outputs["union_one"] = union([3], [0.7])
    outputs["union_two"] = union([4, 1], [0.7, 0.4])
    for name, residuals in outputs.items():
        save_file(named(residuals), pathlib.Path(__file__).parent / f"{name}.safetensors")


if __name__ == "__main__":
    main()
