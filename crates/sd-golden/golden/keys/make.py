"""Names and shapes of all tensors of the published networks, in the diffusers layout.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0
Writes: *.txt
Test: crates/sd-clip/tests/golden/keys.rs, crates/sd-unet/tests/golden/keys.rs, crates/sd-vae/tests/golden/keys.rs,
    crates/sd-pipeline/tests/golden/single_file.rs
"""
import pathlib

import torch
from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel, UNet2DModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

HERE = pathlib.Path(__file__).parent
FOUR = (320, 640, 1280, 1280)


def text(width, layers, heads, projected=False):
    config = CLIPTextConfig(
        vocab_size=49408, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers, num_attention_heads=heads,
        projection_dim=width,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def write(name, module):
    text_keys = name.startswith("text")
    lines = []
    for key, tensor in module.state_dict().items():
        if key.endswith("position_ids"):
            continue
        # Published text encoders have this prefix, which transformers 5 dropped.
        if text_keys and not key.startswith(("text_model.", "text_projection")):
            key = "text_model." + key
        lines.append(f"{key} {'x'.join(map(str, tensor.shape))}\n")
    (HERE / f"{name}.txt").write_text("".join(sorted(lines)))


with torch.device("meta"):
    write("text_encoder_sd15", text(768, 12, 12))
    write("text_encoder_sd21", text(1024, 23, 16))
    write("text_encoder_2_sdxl", text(1280, 32, 20, projected=True))
    write("unet_sd15", UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8, block_out_channels=FOUR))
    write("unet_sd21", UNet2DConditionModel(
        cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True, block_out_channels=FOUR,
    ))
    write("unet_sdxl", UNet2DConditionModel(
        cross_attention_dim=2048, attention_head_dim=[5, 10, 20], use_linear_projection=True, block_out_channels=FOUR[:3],
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=[1, 2, 10],
        addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
    ))
    write("vae", AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(128, 256, 512, 512), layers_per_block=2,
    ))
    write("vae_tiny", AutoencoderTiny())
    for name, size, channels, attention in ("cifar10", 32, (128, 256, 256, 256), 1), ("256", 256, (128, 128, 256, 256, 512, 512), 4):
        kinds = ["Attn" if i == attention else "" for i in range(len(channels))]
        write(f"unet_ddpm_{name}", UNet2DModel(
            sample_size=size, block_out_channels=channels, attention_head_dim=None, downsample_padding=0, flip_sin_to_cos=False,
            down_block_types=[f"{kind}DownBlock2D" for kind in kinds], up_block_types=[f"{kind}UpBlock2D" for kind in kinds[::-1]],
            freq_shift=1, norm_eps=1e-6,
        ))
