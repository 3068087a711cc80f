"""The tiny networks that control drawings: ControlNets, T2I-Adapters, IP-Adapters and their image encoder, without weights.

The tests write them with seeded weights (crates/sd-golden/src/control.rs). For that the set `control` has their configs in `networks.json`,
and names and shapes of their tensors in `shapes`. Names are those of the published files: diffusers' for all but IP-Adapters, which have
their own.
"""
import copy
import json
import math

import torch
from diffusers import ControlNetModel, ControlNetUnionModel, T2IAdapter
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

import originals
from tiny import noise, pipeline

HINT_WIDTHS = {"sd1": (16, 32, 96, 256), "sd2v": (8, 8, 12, 16), "sdxl": (8, 8, 12, 16)}
VISION = dict(
    hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, image_size=32, patch_size=8, projection_dim=24,
    hidden_act="gelu",
)


def seeded(kind, name, shapes):
    """Weights by the rule of tiny.py, except that every vector named `weight` is one of a norm, and that what a ControlNet sees passes
    eight convolutions with SiLU, which would leave nothing of it."""
    weights = {}
    for key, shape in shapes.items():
        z = noise(f"{kind}/{name}/{key}", *shape)
        if len(shape) == 1:
            z = 1 + 0.2 * z if key.endswith("weight") else 0.1 * z
        elif "embeddings." in key:
            z = 0.3 * z
        else:
            gain = 1.8 if "cond_embedding" in key else 0.9
            z = gain / math.sqrt(math.prod(shape[1:])) * z
        weights[key] = z.half().float()
    return weights


def shapes_of(module):
    return {key: tuple(p.shape) for key, p in module.named_parameters()}


def control(kind, unet):
    return ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=HINT_WIDTHS[kind], load_weights_from_unet=False)


def union(kind, unet):
    width = unet.config.block_out_channels[0]
    config = {key: value for key, value in control(kind, unet).config.items() if key != "mid_block_type"}
    return ControlNetUnionModel.from_config(config, num_trans_channel=width, num_proj_channel=width, num_trans_head=4)


def t2i(channels, form, widths=(16, 32, 32, 32)):
    xl = form == "full_adapter_xl"
    return T2IAdapter(channels, list(widths), 4 if form == "light_adapter" else 2, 16 if xl else 8, form)


def vision():
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**VISION))


def networks(kind):
    """Yield name and network, or the name of one with the same tensors; then what its config changes in that one's."""
    unet = pipeline(kind).unet
    yield "controlnet", control(kind, unet), {}
    if kind == "sd2v":
        return
    yield "controlnet-2", "controlnet", {}
    yield "image_encoder", vision(), {}
    states, embedding, tokens = VISION["hidden_size"], VISION["projection_dim"], unet.config.cross_attention_dim
    ip = lambda projection: originals.ip_adapter(projection, unet)
    yield "ip", ip(originals.plain(embedding, tokens)), {}
    yield "ip-2", "ip", {}
    yield "ip-plus", ip(originals.Plus(states, 32, tokens, tokens=6, layers=4, heads=1)), {}
    if kind == "sd1":
        yield "bgr", "controlnet", dict(controlnet_conditioning_channel_order="bgr")
        yield "pooled", "controlnet", dict(global_pool_conditions=True)
        yield "t2i", t2i(3, "full_adapter"), {}
        yield "t2i-2", "t2i", {}
        yield "t2i-gray", t2i(1, "full_adapter"), {}
        yield "t2i-light", t2i(3, "light_adapter", (16, 32, 32)), {}
        yield "t2i-light-gray", t2i(1, "light_adapter", (16, 32, 32)), {}
        yield "ip-full", ip(originals.full(states, tokens)), {}
    else:
        yield "t2i", t2i(3, "full_adapter_xl"), {}
        yield "t2i-2", "t2i", {}
        yield "union", union(kind, unet), {}


def config_of(module):
    """What its config.json says, without what is null or begins with an underscore. IP-Adapters have none."""
    if isinstance(module, CLIPVisionModelWithProjection):
        return dict(architectures=[type(module).__name__], model_type="clip_vision_model", **VISION)
    if isinstance(module, torch.nn.ModuleDict):
        return {}
    config = {key: value for key, value in module.config.items() if value is not None and not key.startswith("_")}
    return dict(_class_name=type(module).__name__, **json.loads(json.dumps(config)))


class Networks:
    """All networks of a tiny model by name, with seeded weights."""

    def __init__(self, kind):
        self.kind, self.likes, self.modules, self.configs = kind, {}, {}, {}
        for name, what, changes in networks(kind):
            if isinstance(what, str):
                self.likes[name], self.modules[name], self.configs[name] = what, self.modules[what], self.configs[what] | changes
            else:
                self.modules[name], self.configs[name] = what, config_of(what)

    def weights(self, name):
        return seeded(self.kind, name, shapes_of(self.modules[name]))

    def load(self, name):
        """A module with weights, or what an IP-Adapter's program saves."""
        module, config = self.modules[name], self.configs[name]
        fresh = type(module).from_config(config) if "_class_name" in config else copy.deepcopy(module)
        fresh.load_state_dict(self.weights(name), strict=True)
        return fresh.eval() if config else originals.state_dict(fresh)

    def lists(self, name):
        """The lists that have the names and shapes of a network's tensors."""
        first = self.likes.get(name, name)
        # A union network has a ControlNet's tensors, and others.
        return [f"{self.kind}-{part}" for part in (["controlnet", first] if first == "union" else [first])]

    def write_lists(self, folder):
        for name in self.modules.keys() - self.likes.keys():
            shapes, (*others, mine) = shapes_of(self.modules[name]), self.lists(name)
            known = shapes_of(self.modules["controlnet"]) if others else {}
            assert known.items() <= shapes.items()
            lines = [f"{key} {'x'.join(map(str, shape))}\n" for key, shape in sorted(shapes.items()) if key not in known]
            (folder / f"{mine}.txt").write_text("".join(lines))

    def descriptions(self):
        """Of each network, its lists and its config."""
        return {name: dict(tensors=self.lists(name), **(dict(config=config) if config else {})) for name, config in self.configs.items()}
