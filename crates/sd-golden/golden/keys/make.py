"""Names and shapes of all tensors of the published networks, in the diffusers layout; of adapters also in the original one.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0
Writes: *.txt
Test: crates/sd-clip/tests/golden/keys.rs, crates/sd-unet/tests/golden/keys.rs, crates/sd-vae/tests/golden/keys.rs,
    crates/sd-pipeline/tests/golden/single_file.rs, crates/sd-adapters/tests/reference/keys.rs, crates/sd-model/tests/adapters.rs
"""
import pathlib
import sys

import torch
from diffusers import (
    AutoencoderKL, AutoencoderTiny, ControlNetModel, ControlNetUnionModel, T2IAdapter, UNet2DConditionModel, UNet2DModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import originals

HERE = pathlib.Path(__file__).parent
FOUR = (320, 640, 1280, 1280)


def text(width, layers, heads, projected=False):
    config = CLIPTextConfig(
        vocab_size=49408, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers, num_attention_heads=heads,
        projection_dim=width,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)


def vision(width, inner, layers, projection):
    return CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=16, patch_size=14,
        projection_dim=projection,
    ))


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


def write_t2i_adapter(name, **options):
    adapter = T2IAdapter(**options)
    write(f"t2i_adapter_{name}", adapter)
    tensors = {originals.t2i_name(key, adapter): tensor for key, tensor in adapter.state_dict().items()}
    lines = [f"{key} {'x'.join(map(str, tensor.shape))}\n" for key, tensor in tensors.items()]
    (HERE / f"t2i_adapter_{name}_original.txt").write_text("".join(sorted(lines)))


def write_ip_adapter(name, projection, unet):
    adapter = originals.ip_adapter(projection, unet)
    # It refuses what it would not load.
    unet._load_ip_adapter_weights([originals.state_dict(adapter)], low_cpu_mem_usage=False)
    write(f"ip_adapter_{name}", adapter)
    unet.set_default_attn_processor()


with torch.device("meta"):
    write("text_encoder_sd15", text(768, 12, 12))
    write("text_encoder_sd21", text(1024, 23, 16))
    write("text_encoder_2_sdxl", text(1280, 32, 20, projected=True))
    write("image_encoder_vit_l", vision(1024, 4096, 24, 768))
    write("image_encoder_vit_h", vision(1280, 5120, 32, 1024))
    write("image_encoder_vit_bigg", vision(1664, 8192, 48, 1280))
    sd15 = dict(cross_attention_dim=768, attention_head_dim=8, block_out_channels=FOUR)
    sd21 = dict(cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True, block_out_channels=FOUR)
    sdxl = dict(
        cross_attention_dim=2048, attention_head_dim=[5, 10, 20], use_linear_projection=True, block_out_channels=FOUR[:3],
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), transformer_layers_per_block=[1, 2, 10],
        addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
    )
    hint = dict(conditioning_embedding_out_channels=(16, 32, 96, 256))
    unet_sd15 = UNet2DConditionModel(**sd15)
    write("unet_sd15", unet_sd15)
    write("unet_sd21", UNet2DConditionModel(**sd21))
    unet_sdxl = UNet2DConditionModel(**sdxl, up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"))
    write("unet_sdxl", unet_sdxl)
    write("controlnet_sd15", ControlNetModel(**sd15, **hint))
    write("controlnet_sd21", ControlNetModel(**sd21, **hint))
    write("controlnet_sdxl", ControlNetModel(**sdxl, **hint))
    # The small one of diffusers/controlnet-canny-sdxl-1.0-small.
    small = dict(down_block_types=("DownBlock2D",) * 3, mid_block_type="UNetMidBlock2D")
    write("controlnet_sdxl_small", ControlNetModel(**dict(sdxl, **small), **hint))
    write("controlnet_union", ControlNetUnionModel(**sdxl, **hint, num_control_type=6))
    write("controlnet_promax", ControlNetUnionModel(**sdxl, **hint, num_control_type=8))
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
    # TencentARC: t2iadapter_canny_sd15v2, t2iadapter_color_sd14v1, t2i-adapter-canny-sdxl-1.0.
    write_t2i_adapter("sd15", in_channels=1, adapter_type="full_adapter")
    write_t2i_adapter("light_sd14", channels=[320, 640, 1280], num_res_blocks=4, adapter_type="light_adapter")
    write_t2i_adapter("sdxl", downscale_factor=16, adapter_type="full_adapter_xl")
    # h94/IP-Adapter. ViT-H has states of 1280 and an embedding of 1024, ViT-bigG has states of 1664 and an embedding of 1280.
    write_ip_adapter("sd15", originals.plain(1024, 768), unet_sd15)
    write_ip_adapter("plus_sd15", originals.Plus(1280, 768, 768, tokens=16, layers=4, heads=12), unet_sd15)
    write_ip_adapter("full_face_sd15", originals.full(1280, 768), unet_sd15)
    write_ip_adapter("sdxl", originals.plain(1280, 2048), unet_sdxl)
    write_ip_adapter("sdxl_vit_h", originals.plain(1024, 2048), unet_sdxl)
    write_ip_adapter("plus_sdxl_vit_h", originals.Plus(1280, 1280, 2048, tokens=16, layers=4, heads=20), unet_sdxl)
