"""Adapters as their original programs save them: the structure of modules, and so the names and shapes of tensors.

T2I-Adapter: github.com/TencentARC/T2I-Adapter (`ldm/modules/encoders/adapter.py`, `models/adapters.py` of the branch for XL).
IP-Adapter: github.com/tencent-ailab/IP-Adapter (`ip_adapter/ip_adapter.py`, `resampler.py`).
"""
import re

import torch
from torch.nn import GELU, LayerNorm, Linear, Module, ModuleDict, ModuleList, Parameter, Sequential


def t2i_name(key, adapter):
    """Return the original name of a tensor of diffusers' T2IAdapter."""
    key = key.removeprefix("adapter.")
    if adapter.config.adapter_type == "light_adapter":
        return key.replace(".resnets.", ".body.")
    each = adapter.config.num_res_blocks
    key = re.sub(r"^body\.(\d+)\.resnets\.(\d+)", lambda m: f"body.{int(m[1]) * each + int(m[2])}", key)
    return re.sub(r"^body\.(\d+)\.in_conv", lambda m: f"body.{int(m[1]) * each}.in_conv", key)


def plain(image_width, token_width, tokens=4):
    return ModuleDict(dict(proj=Linear(image_width, tokens * token_width), norm=LayerNorm(token_width)))


def full(image_width, token_width):
    layers = Linear(image_width, image_width), GELU(), Linear(image_width, token_width), LayerNorm(token_width)
    return ModuleDict(dict(proj=Sequential(*layers)))


class Plus(Module):
    def __init__(self, image_width, width, token_width, tokens, layers, heads):
        super().__init__()
        inner = 64 * heads

        def attention():
            return ModuleDict(dict(
                norm1=LayerNorm(width), norm2=LayerNorm(width), to_q=Linear(width, inner, bias=False),
                to_kv=Linear(width, 2 * inner, bias=False), to_out=Linear(inner, width, bias=False),
            ))

        def mlp():
            return Sequential(LayerNorm(width), Linear(width, 4 * width, bias=False), GELU(), Linear(4 * width, width, bias=False))

        self.latents = Parameter(torch.empty(1, tokens, width))
        self.proj_in = Linear(image_width, width)
        self.proj_out = Linear(width, token_width)
        self.norm_out = LayerNorm(token_width)
        self.layers = ModuleList(ModuleList([attention(), mlp()]) for _ in range(layers))


def ip_adapter(projection, unet):
    """Return an IP-Adapter for a U-Net. Its layers are numbered as the U-Net's attention processors."""
    layers = ModuleDict()
    for i, name in enumerate(unet.attn_processors):
        query = unet.get_submodule(name.removesuffix(".processor")).to_q
        if name.endswith("attn2.processor"):
            pair = [Linear(unet.config.cross_attention_dim, query.out_features, bias=False) for _ in range(2)]
            layers[str(i)] = ModuleDict(dict(zip(("to_k_ip", "to_v_ip"), pair)))
    return ModuleDict(dict(image_proj=projection, ip_adapter=layers))


def state_dict(adapter):
    """Return what its program saves: a dictionary for each part."""
    return {part: module.state_dict() for part, module in adapter.items()}
