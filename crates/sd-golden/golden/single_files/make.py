"""Names and shapes of all tensors of published single files, and the source of each tensor of the diffusers layout.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0
Writes: single_*.txt, views.txt, controls.txt
Test: crates/sd-pipeline/tests/golden/single_file.rs, crates/sd-pipeline/tests/golden/single_names.rs, crates/sd-weights/tests/control/layouts.rs
After: keys

The names are those of the modules in CompVis' and Stability's programs: openaimodel.UNetModel, model.Encoder and Decoder,
FrozenCLIPEmbedder, FrozenOpenCLIPEmbedder, GeneralConditioner; cldm.ControlNet. They are checked with diffusers, which must convert
each list to that of the set `keys`. For views.txt and controls.txt, of small networks, all values differ before the conversion, so
that the source of each is known.
"""
import pathlib
from types import SimpleNamespace

import torch
from diffusers.loaders import single_file_utils as reference

HERE = pathlib.Path(__file__).parent
KEYS = HERE.parent / "keys"


def conv(name, i, o, size=3):
    return {f"{name}.weight": (o, i, size, size), f"{name}.bias": (o,)}


def linear(name, i, o, bias=True):
    return {f"{name}.weight": (o, i)} | ({f"{name}.bias": (o,)} if bias else {})


def norm(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def transformer(name, width, context, depth, is_linear):
    project = linear if is_linear else lambda name, i, o: conv(name, i, o, 1)
    keys = norm(f"{name}.norm", width) | project(f"{name}.proj_in", width, width) | project(f"{name}.proj_out", width, width)
    for k in range(depth):
        block = f"{name}.transformer_blocks.{k}"
        for attention, source in (("attn1", width), ("attn2", context)):
            keys |= linear(f"{block}.{attention}.to_q", width, width, bias=False)
            keys |= linear(f"{block}.{attention}.to_k", source, width, bias=False)
            keys |= linear(f"{block}.{attention}.to_v", source, width, bias=False)
            keys |= linear(f"{block}.{attention}.to_out.0", width, width)
        keys |= linear(f"{block}.ff.net.0.proj", width, 8 * width) | linear(f"{block}.ff.net.2", 4 * width, width)
        for n in (1, 2, 3):
            keys |= norm(f"{block}.norm{n}", width)
    return keys


def unet(channels, depths, middle, context, is_linear, label=None, blocks=2, up=True):
    time = 4 * channels[0]
    keys = linear("time_embed.0", channels[0], time) | linear("time_embed.2", time, time)
    if label:
        keys |= linear("label_emb.0.0", label, time) | linear("label_emb.0.2", time, time)

    def resnet(name, i, o):
        nonlocal keys
        keys |= norm(f"{name}.in_layers.0", i) | conv(f"{name}.in_layers.2", i, o) | linear(f"{name}.emb_layers.1", time, o)
        keys |= norm(f"{name}.out_layers.0", o) | conv(f"{name}.out_layers.3", o, o)
        if i != o:
            keys |= conv(f"{name}.skip_connection", i, o, 1)

    keys |= conv("input_blocks.0.0", 4, channels[0])
    n, width, skips = 1, channels[0], [channels[0]]
    for level, (out, depth) in enumerate(zip(channels, depths)):
        for _ in range(blocks):
            resnet(f"input_blocks.{n}.0", width, out)
            width = out
            if depth:
                keys |= transformer(f"input_blocks.{n}.1", width, context, depth, is_linear)
            skips.append(width)
            n += 1
        if level + 1 < len(channels):
            keys |= conv(f"input_blocks.{n}.0.op", width, width)
            skips.append(width)
            n += 1
    resnet("middle_block.0", width, width)
    keys |= transformer("middle_block.1", width, context, middle, is_linear)
    resnet("middle_block.2", width, width)
    if not up:
        return keys, skips
    n = 0
    for level in reversed(range(len(channels))):
        for j in range(blocks + 1):
            resnet(f"output_blocks.{n}.0", width + skips.pop(), channels[level])
            width, place = channels[level], 1
            if depths[level]:
                keys |= transformer(f"output_blocks.{n}.1", width, context, depths[level], is_linear)
                place = 2
            if level and j == blocks:
                keys |= conv(f"output_blocks.{n}.{place}.conv", width, width)
            n += 1
    return keys | norm("out.0", width) | conv("out.2", width, 4)


def control(channels, depths, middle, context, hints, label=None):
    keys, skips = unet(channels, depths, middle, context, False, label, up=False)
    # A non-linearity follows each convolution of the hint; every second one halves it.
    keys |= conv("input_hint_block.0", 3, hints[0])
    for i, (a, b) in enumerate(zip(hints, hints[1:])):
        keys |= conv(f"input_hint_block.{4 * i + 2}", a, a) | conv(f"input_hint_block.{4 * i + 4}", a, b)
    keys |= conv(f"input_hint_block.{4 * len(hints) - 2}", hints[-1], channels[0])
    for i, width in enumerate(skips):
        keys |= conv(f"zero_convs.{i}.0", width, width, 1)
    return keys | conv("middle_block_out.0", channels[-1], channels[-1], 1)


def vae(channels=(128, 256, 512, 512), blocks=2, latent=4):
    keys = {}

    def resnet(name, i, o):
        nonlocal keys
        keys |= norm(f"{name}.norm1", i) | conv(f"{name}.conv1", i, o) | norm(f"{name}.norm2", o) | conv(f"{name}.conv2", o, o)
        if i != o:
            keys |= conv(f"{name}.nin_shortcut", i, o, 1)

    def middle(side, width):
        nonlocal keys
        resnet(f"{side}.mid.block_1", width, width)
        resnet(f"{side}.mid.block_2", width, width)
        keys |= norm(f"{side}.mid.attn_1.norm", width)
        for part in ("q", "k", "v", "proj_out"):
            keys |= conv(f"{side}.mid.attn_1.{part}", width, width, 1)

    keys |= conv("encoder.conv_in", 3, channels[0])
    width = channels[0]
    for level, out in enumerate(channels):
        for j in range(blocks):
            resnet(f"encoder.down.{level}.block.{j}", width, out)
            width = out
        if level + 1 < len(channels):
            keys |= conv(f"encoder.down.{level}.downsample.conv", width, width)
    middle("encoder", width)
    keys |= norm("encoder.norm_out", width) | conv("encoder.conv_out", width, 2 * latent)
    keys |= conv("decoder.conv_in", latent, width)
    middle("decoder", width)
    for level in reversed(range(len(channels))):
        for j in range(blocks + 1):
            resnet(f"decoder.up.{level}.block.{j}", width, channels[level])
            width = channels[level]
        if level:
            keys |= conv(f"decoder.up.{level}.upsample.conv", width, width)
    keys |= norm("decoder.norm_out", width) | conv("decoder.conv_out", width, 3)
    return keys | conv("quant_conv", 2 * latent, 2 * latent, 1) | conv("post_quant_conv", latent, latent, 1)


def clip():
    return read("text_encoder_sd15") | {"text_model.embeddings.position_ids": (1, 77)}


def open_clip(width, layers):
    """open_clip's CLIP without its image encoder."""
    keys = {"positional_embedding": (77, width), "token_embedding.weight": (49408, width), "text_projection": (width, width)}
    keys |= norm("ln_final", width) | {"logit_scale": ()}
    for i in range(layers):
        block = f"transformer.resblocks.{i}"
        keys |= {f"{block}.attn.in_proj_weight": (3 * width, width), f"{block}.attn.in_proj_bias": (3 * width,)}
        keys |= linear(f"{block}.attn.out_proj", width, width) | norm(f"{block}.ln_1", width) | norm(f"{block}.ln_2", width)
        keys |= linear(f"{block}.mlp.c_fc", width, 4 * width) | linear(f"{block}.mlp.c_proj", 4 * width, width)
    return keys


def read(name):
    lines = (KEYS / f"{name}.txt").read_text().splitlines()
    return {key: tuple(map(int, shape.split("x"))) if shape else () for key, _, shape in (line.partition(" ") for line in lines)}


def under(prefix, keys):
    return {prefix + key: shape for key, shape in keys.items()}


def same(name, converted, expected, prefix=""):
    found = {prefix + key if not key.startswith(("text_model.", "text_projection")) else key: t for key, t in converted.items()}
    found = {key: tuple(t.shape) for key, t in found.items() if not key.endswith("position_ids")}
    wanted = read(expected)
    assert found.keys() == wanted.keys(), (name, sorted(found.keys() ^ wanted.keys())[:5])
    wrong = [key for key in found if found[key] != wanted[key] and found[key] != wanted[key][:2]]
    assert not wrong, (name, wrong[:5])


def write(name, keys, parts):
    tensors = {key: torch.empty(shape, device="meta") for key, shape in keys.items()}
    blocks = dict(layers_per_block=2)
    blocks["addition_embed_type"] = "text_time" if name == "sdxl" else None
    same(name, reference.convert_ldm_unet_checkpoint(tensors, blocks), parts[0])
    levels = dict(down_block_types=[0] * 4, up_block_types=[0] * 4)
    same(name, reference.convert_ldm_vae_checkpoint(tensors, levels), "vae")
    for prefix, expected in parts[1:]:
        if prefix.endswith(".model."):
            model = SimpleNamespace(config=SimpleNamespace(hidden_size=1024))
            same(name, reference.convert_open_clip_checkpoint(model, tensors, prefix), expected)
        else:
            same(name, reference.convert_ldm_clip_checkpoint(tensors), expected)
    lines = (f"{key} {'x'.join(map(str, shape))}\n" for key, shape in sorted(keys.items()))
    (HERE / f"single_{name}.txt").write_text("".join(lines))


FOUR, ATTENTION = (320, 640, 1280, 1280), (1, 1, 1, 0)
BUFFERS = (
    "betas alphas_cumprod alphas_cumprod_prev sqrt_alphas_cumprod sqrt_one_minus_alphas_cumprod log_one_minus_alphas_cumprod "
    "sqrt_recip_alphas_cumprod sqrt_recipm1_alphas_cumprod posterior_variance posterior_log_variance_clipped "
    "posterior_mean_coef1 posterior_mean_coef2"
).split()
buffers = {name: (1000,) for name in BUFFERS} | {"model_ema.decay": (), "model_ema.num_updates": ()}
first = under("first_stage_model.", vae())
write(
    "sd15",
    buffers | first | under("model.diffusion_model.", unet(FOUR, ATTENTION, 1, 768, False))
    | under("cond_stage_model.transformer.", clip()),
    ["unet_sd15", ("cond_stage_model.transformer.", "text_encoder_sd15")],
)
write(
    "sd21",
    buffers | first | under("model.diffusion_model.", unet(FOUR, ATTENTION, 1, 1024, True))
    | under("cond_stage_model.model.", open_clip(1024, 24)),
    ["unet_sd21", ("cond_stage_model.model.", "text_encoder_sd21")],
)
write(
    "sdxl",
    first | under("model.diffusion_model.", unet(FOUR[:3], (0, 2, 10), 10, 2048, True, label=2816))
    | under("conditioner.embedders.0.transformer.", clip()) | under("conditioner.embedders.1.model.", open_clip(1280, 32)),
    ["unet_sdxl", ("conditioner.embedders.0.transformer.", "text_encoder_sd15"), ("conditioner.embedders.1.model.", "text_encoder_2_sdxl")],
)


def view(tensor, sources):
    """Return the source of a tensor's values, and whether they are all of it, a third of it or its transpose."""
    for key, source in sources.items():
        if source.flatten()[0] <= tensor.flatten()[0] <= source.flatten()[-1]:
            thirds = source.chunk(3) if len(source) % 3 == 0 else []
            for name, part in [("whole", source), ("transposed", source.mT if source.dim() == 2 else source)] + [(str(i), part) for i, part in enumerate(thirds)]:
                if torch.equal(tensor.flatten(), part.flatten()):
                    return f"{key} {name}"
    raise AssertionError("a tensor without a source")


def numbered(keys):
    """Return tensors in which all values differ."""
    tensors, count = {}, 0
    for key, shape in keys.items():
        size = torch.Size(shape).numel()
        tensors[key] = torch.arange(count, count + size).reshape(shape)
        count += size
    return tensors


def write_views():
    """Write the sources of all tensors that diffusers converts, found by giving every value a different number."""
    small = under("model.diffusion_model.", unet((6, 12, 18), (0, 1, 2), 2, 10, True, label=9))
    small |= under("first_stage_model.", vae((6, 12, 18), blocks=1)) | under("conditioner.embedders.1.model.", open_clip(12, 3))
    tensors = numbered(small)
    levels = dict(down_block_types=[0] * 3, up_block_types=[0] * 3)
    model = SimpleNamespace(config=SimpleNamespace(hidden_size=12))
    lines = []
    for part, converted in (
        ("model.diffusion_model.", reference.convert_ldm_unet_checkpoint(tensors, dict(layers_per_block=2, addition_embed_type="text_time"))),
        ("first_stage_model.", reference.convert_ldm_vae_checkpoint(tensors, levels)),
        ("conditioner.embedders.1.model.", reference.convert_open_clip_checkpoint(model, tensors, "conditioner.embedders.1.model.")),
    ):
        sources = {key: tensor for key, tensor in tensors.items() if key.startswith(part)}
        lines += [f"{key} {view(tensor, sources)}\n" for key, tensor in sorted(converted.items())]
    (HERE / "views.txt").write_text("".join(lines))


write_views()


def write_controls():
    """Write the sources of the tensors of a ControlNet in the same way. The published ones have eight convolutions of the hint."""
    tensors = numbered(under("control_model.", control((6, 12, 18, 18), (1, 2, 1, 0), 2, 10, (4, 8, 12, 16))))
    converted = reference.convert_controlnet_checkpoint(dict(tensors), dict(layers_per_block=2))
    assert len(converted) == len(tensors), sorted(converted)
    lines = [f"{key} {view(tensor, tensors)}\n" for key, tensor in sorted(converted.items())]
    (HERE / "controls.txt").write_text("".join(lines))


write_controls()
