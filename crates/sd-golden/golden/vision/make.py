"""Small image encoders of CLIP without weights: their configs, and what they make of noise, under the names of transformers and of OpenCLIP.

Reference: torch 2.8.0, transformers 5.23.0, safetensors 0.8.0, open_clip_torch 3.3.0
Writes: gelu, quick_gelu, clip, open_clip.txt, networks.safetensors
Test: crates/sd-clip/tests/golden/vision.rs, crates/sd-model/tests/vision.rs
"""
import importlib.util
import pathlib
import sys
import types

import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPVisionConfig, CLIPVisionModelWithProjection

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from tiny import noise, with_seeded_weights

TOWERS = dict(
    gelu=dict(hidden_size=52, intermediate_size=104, num_hidden_layers=3, num_attention_heads=2, image_size=56, patch_size=14,
              projection_dim=24, hidden_act="gelu"),
    quick_gelu=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8,
                    projection_dim=40, hidden_act="quick_gelu"),
)


def open_clip_tower(hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, image_size, patch_size, projection_dim, **_):
    # Only this module is imported: the others need torchvision, and this one needs it for a layer that it does not use.
    package = types.ModuleType("open_clip")
    package.__path__ = [str(pathlib.Path(importlib.util.find_spec("open_clip").origin).parent)]
    sys.modules["open_clip"] = package
    for name in ("torchvision", "torchvision.ops"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision.ops.misc"] = types.SimpleNamespace(FrozenBatchNorm2d=None)
    from open_clip.transformer import VisionTransformer
    return VisionTransformer(
        image_size=image_size, patch_size=patch_size, width=hidden_size, layers=num_hidden_layers, heads=num_attention_heads,
        mlp_ratio=intermediate_size / hidden_size, output_dim=projection_dim,
    )


@torch.no_grad()
def main():
    outputs = {}
    for name, options in TOWERS.items():
        config = CLIPVisionConfig(**options)
        encoder = with_seeded_weights("vision", name, CLIPVisionModelWithProjection(config))
        encoder.config.architectures = ["CLIPVisionModelWithProjection"]
        encoder.config.save_pretrained(HERE / name)
        pixels = noise(f"{name}.pixels", 2, 3, config.image_size, config.image_size)
        # The second image is that of no image, as the pipelines of diffusers make it.
        pixels[1] = 0
        found = encoder(pixels, output_hidden_states=True)
        outputs[f"{name}.penultimate"] = found.hidden_states[-2]
        outputs[f"{name}.last"] = found.last_hidden_state
        outputs[f"{name}.embeds"] = found.image_embeds
    CLIPConfig(vision_config=TOWERS["gelu"], projection_dim=24, architectures=["CLIPModel"]).save_pretrained(HERE / "clip")

    class Whole(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.visual = open_clip_tower(**TOWERS["gelu"])

    whole = with_seeded_weights("vision", "open_clip", Whole())
    shapes = sorted((key, "x".join(map(str, p.shape))) for key, p in whole.state_dict().items())
    (HERE / "open_clip.txt").write_text("".join(f"{key} {shape}\n" for key, shape in shapes))
    outputs["open_clip.embeds"] = whole.visual(noise("gelu.pixels", 2, 3, 56, 56))
    save_file({k: v.contiguous() for k, v in outputs.items()}, HERE / "networks.safetensors")


if __name__ == "__main__":
    main()
