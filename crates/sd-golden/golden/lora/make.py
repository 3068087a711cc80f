"""Images with LoRA files of four layouts merged into tiny models.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, peft 0.21.2, safetensors 0.8.0, pillow 13.0.0
Writes: *.png
Test: crates/sd-pipeline/tests/golden/lora.rs
After: models

The files are not stored. Like the models' weights, their values are seeded by the tensors' names, so the test can write the
same files.
"""
import math
import pathlib
import sys
import tempfile

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import draw_five_steps, noise, pipeline

HERE = pathlib.Path(__file__).parent
RANK, ALPHA = 4, 2.0
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
LINEAR = ATTENTION + ("ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
OTHERS = ("conv1", "conv2", "conv_shortcut", "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv")
RESNET = {
    "conv1": "in_layers.2", "conv2": "out_layers.3", "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}


def sgm(path):
    """Name of a module of XL's U-Net in the original program, where a level is two resnets and a sampler."""
    first, *rest = path.split(".")
    if first == "mid_block":
        place = {"resnets.0": 0, "attentions.0": 1, "resnets.1": 2}[".".join(rest[:2])]
        block, rest = f"middle_block.{place}", rest[2:]
    else:
        level, kind, index, *rest = rest
        if kind == "downsamplers":
            return f"input_blocks.{3 * int(level) + 3}.0.op"
        place = 3 * int(level) + (1 + int(index) if first == "down_blocks" else 2 if kind == "upsamplers" else int(index))
        inner = {"resnets": 0, "attentions": 1, "upsamplers": 2}[kind]
        block = f"{'input' if first == 'down_blocks' else 'output'}_blocks.{place}.{inner}"
    name = ".".join(rest)
    return f"{block}.{RESNET.get(name, name)}"


def modules(pipe, ends):
    """Yield component, path and weight of every module whose path ends with one of `ends`."""
    for component in ("unet", "text_encoder", "text_encoder_2"):
        if getattr(pipe, component, None) is not None:
            for key, p in getattr(pipe, component).named_parameters():
                path = key.removesuffix(".weight")
                if component != "unet" and not path.startswith("text_model."):
                    path = "text_model." + path
                if key.endswith(".weight") and path.endswith(tuple("." + end for end in ends)):
                    yield component, path, p


def values(file, component, path, part, shape, offset, scale):
    return (offset + scale * noise(f"lora/{file}/{component}/{path}/{part}", *shape)).half().float()


def lora(file, component, path, p):
    """Return the matrices down and up."""
    per_output = p[0].numel()
    down = values(file, component, path, "down", (RANK, *p.shape[1:]), 0.0, 1 / math.sqrt(per_output))
    up = values(file, component, path, "up", (p.shape[0], RANK, *[1] * (p.dim() - 2)), 0.0, 0.5 / math.sqrt(RANK))
    return down, up


def kohya(file, pipe, rename):
    tensors = {}
    for component, path, p in modules(pipe, LINEAR + OTHERS):
        down, up = lora(file, component, path, p)
        text = "lora_te" if not hasattr(pipe, "text_encoder_2") else "lora_te1"
        start = {"unet": "lora_unet", "text_encoder": text, "text_encoder_2": "lora_te2"}[component]
        name = f"{start}_{(rename(path) if component == 'unet' else path).replace('.', '_')}"
        tensors |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": torch.tensor(ALPHA)}
    return tensors


def peft(file, pipe, ends, dora=False):
    tensors = {}
    for component, path, p in modules(pipe, ends):
        # diffusers 0.42 with transformers 5 drops the magnitudes of text encoders.
        if dora and component != "unet":
            continue
        down, up = lora(file, component, path, p)
        tensors |= {f"{component}.{path}.lora_A.weight": down, f"{component}.{path}.lora_B.weight": up}
        if dora:
            shape = p.shape[:1] if p.dim() == 2 else (1, p.shape[0], 1, 1)
            magnitudes = values(file, component, path, "magnitude", shape, 0.9, 0.2)
            tensors[f"{component}.{path}.lora_magnitude_vector"] = magnitudes
    return tensors


def processors(file, pipe):
    tensors = {}
    for component, path, p in modules(pipe, ATTENTION):
        module, name = path.removesuffix(".0").rsplit(".", 1)
        down, up = lora(file, component, path, p)
        tensors |= {f"{component}.{module}.processor.{name}_lora.down.weight": down}
        tensors |= {f"{component}.{module}.processor.{name}_lora.up.weight": up}
    return tensors


def main():
    same = lambda path: path
    cases = [
        ("sd1", "kohya", [("kohya", 0.8)]),
        ("sd1", "processors", [("processors", 1.0)]),
        ("sd1", "two", [("kohya", 0.5), ("peft", -0.7)]),
        ("sd1", "dora", [("dora", 0.9)]),
        ("sd2v", "kohya", [("kohya", 1.0)]),
        ("sdxl", "kohya", [("kohya", 1.0)]),
        ("sdxl", "peft", [("peft", 0.6)]),
    ]
    only = sys.argv[1:]
    for kind, name, files in (case for case in cases if not only or case[1] in only):
        pipe = pipeline(kind)
        makers = {
            "kohya": lambda: kohya("kohya", pipe, sgm if kind == "sdxl" else same),
            "processors": lambda: processors("processors", pipe),
            "peft": lambda: peft("peft", pipe, LINEAR + OTHERS),
            "dora": lambda: peft("dora", pipe, LINEAR + OTHERS, dora=True),
        }
        # Make all files first: loading one renames the model's own parameters.
        made = {file: makers[file]() for file, _ in files}
        with tempfile.TemporaryDirectory() as loras:
            for file, tensors in made.items():
                path = pathlib.Path(loras) / f"{file}.safetensors"
                save_file({k: v.contiguous() for k, v in tensors.items()}, path)
                pipe.load_lora_weights(str(path), adapter_name=file)
        pipe.set_adapters([file for file, _ in files], [weight for _, weight in files])
        prediction = dict(prediction_type="v_prediction") if kind == "sd2v" else {}
        draw_five_steps(pipe, HERE / f"{kind}-{name}.png", **prediction)
        print(kind, name, {file: len(tensors) for file, tensors in made.items()})


if __name__ == "__main__":
    main()
