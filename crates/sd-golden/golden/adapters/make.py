"""Small T2I-Adapters and IP-Adapters without weights: their outputs, and their tensors' names in original files.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, safetensors 0.8.0
Writes: *.txt, networks.safetensors, nested.bin, flat.safetensors
Test: crates/sd-adapters/tests/reference/networks.rs
After: models

diffusers converts the IP-Adapters and loads them into the tiny models' U-Nets. Keys and values are recorded while a U-Net runs, so
their order is the one in which it runs its layers.
"""
import pathlib
import sys

import torch
from diffusers import T2IAdapter
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import originals
from tiny import noise, pipeline, with_seeded_weights

HERE = pathlib.Path(__file__).parent
# The name, diffusers' options, and the size of the drawing, from which odd sizes follow.
T2I = (
    ("t2i_full", dict(in_channels=3, channels=[8, 12, 16, 16], adapter_type="full_adapter"), (40, 72)),
    ("t2i_full_xl", dict(in_channels=1, channels=[8, 12, 16, 16], downscale_factor=16, adapter_type="full_adapter_xl"), (48, 80)),
    ("t2i_light", dict(in_channels=3, channels=[8, 12, 16], num_res_blocks=3, adapter_type="light_adapter"), (40, 72)),
)
# The name, the model, the projection, and the shape of what it reads: images, and what the vision tower gives for each.
IP = (
    ("ip_plain", "sd1", originals.plain(20, 32), (2, 20)),
    ("ip_plus", "sd1", originals.Plus(20, 24, 32, tokens=3, layers=4, heads=2), (2, 5, 20)),
    ("ip_full", "sd1", originals.full(20, 32), (1, 5, 20)),
    ("ip_plus_xl", "sdxl", originals.Plus(20, 28, 72, tokens=4, layers=4, heads=1), (1, 5, 20)),
)


def t2i(name, options, size):
    adapter = with_seeded_weights("adapters", name, T2IAdapter(**options))
    lines = [f"{key} {originals.t2i_name(key, adapter)}\n" for key in adapter.state_dict()]
    (HERE / f"{name}.txt").write_text("".join(lines))
    features = adapter(noise("drawing", 2, options["in_channels"], *size))
    return {f"{name}.{i}": feature for i, feature in enumerate(features)}


def ip(name, kind, projection, shape):
    unet = pipeline(kind).unet
    adapter = with_seeded_weights("adapters", name, originals.ip_adapter(projection, unet))
    lines = [f"{key} {'x'.join(map(str, tensor.shape))}\n" for key, tensor in adapter.state_dict().items()]
    (HERE / f"{name}.txt").write_text("".join(lines))
    unet._load_ip_adapter_weights([originals.state_dict(adapter)], low_cpu_mem_usage=False)
    outputs, recorded = {}, dict(key=[], value=[])

    def record(to):
        return lambda module, inputs, output: recorded[to].append(output.flatten(1, 2))

    for processor in unet.attn_processors.values():
        if hasattr(processor, "to_k_ip"):
            processor.to_k_ip[0].register_forward_hook(record("key"))
            processor.to_v_ip[0].register_forward_hook(record("value"))
    unet.encoder_hid_proj.register_forward_hook(
        lambda module, inputs, output: outputs.update({f"{name}.tokens": output[0].flatten(1, 2)})
    )
    added = dict(image_embeds=[noise("states", *shape)[None]])
    if kind == "sdxl":
        added.update(text_embeds=noise("text_embeds", 1, 40), time_ids=torch.tensor([[64.0, 96, 0, 8, 64, 96]]))
    unet(noise("x", 1, 4, 8, 8), 500, noise("context", 1, 7, unet.config.cross_attention_dim), added_cond_kwargs=added)
    for to, layers in recorded.items():
        outputs.update({f"{name}.{to}.{i}": layer for i, layer in enumerate(layers)})
    return outputs


def files():
    """Write the same adapter as both kinds of published files have it."""
    adapter = originals.plain(4, 4)
    layer = torch.nn.ModuleDict(dict(to_k_ip=torch.nn.Linear(4, 8, bias=False), to_v_ip=torch.nn.Linear(4, 8, bias=False)))
    adapter = with_seeded_weights("adapters", "nested", torch.nn.ModuleDict(dict(
        image_proj=adapter, ip_adapter=torch.nn.ModuleDict({"1": layer}),
    )))
    torch.save({part: dict(tensors) for part, tensors in originals.state_dict(adapter).items()}, HERE / "nested.bin")
    save_file(adapter.state_dict(), HERE / "flat.safetensors")


@torch.no_grad()
def main():
    outputs = {}
    for case in T2I:
        outputs.update(t2i(*case))
    for case in IP:
        outputs.update(ip(*case))
    save_file({k: v.contiguous() for k, v in outputs.items()}, HERE / "networks.safetensors")
    files()


if __name__ == "__main__":
    main()
