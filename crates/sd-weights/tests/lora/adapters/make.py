"""Weights of a linear layer, a convolution and a norm with adapters of every kind that LyCORIS and PEFT have merged into them.

Reference: torch 2.8.0, lycoris-lora 4.1.3, peft 0.21.2, safetensors 0.8.0
Writes: adapters.safetensors
Test: crates/sd-weights/tests/lora/adapters/mod.rs

For each case: the adapter's tensors as the library writes them, its settings if it is PEFT's, the weight it is merged with,
and the weights after that.
"""
import json
import pathlib

import peft
import torch
from lycoris.functional.general import apply_dora_scale
from lycoris.modules.boft import ButterflyOFTModule
from lycoris.modules.diag_oft import DiagOFTModule
from lycoris.modules.full import FullModule
from lycoris.modules.glora import GLoRAModule
from lycoris.modules.ia3 import IA3Module
from lycoris.modules.locon import LoConModule
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule
from lycoris.modules.norms import NormModule
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(8, 4)
        self.conv = torch.nn.Conv2d(4, 4, 3)
        self.norm = torch.nn.LayerNorm(4)


def fill(named, spread=0.5):
    """Numbers that half precision can hold, around what changes nothing."""
    for i, (key, p) in enumerate(named):
        center = 1 if any(part in key for part in ("rescale", "dora_scale", "magnitude", "ia3_l", "boft_s")) else 0
        p.data = (center + spread * torch.randn(p.shape, generator=torch.Generator().manual_seed(i + 1))).half().float()


def network():
    net = Network()
    fill(net.named_parameters())
    return net.requires_grad_(False)


def lycoris(kind, scale, layers=("linear", "conv"), spread=0.5, **options):
    """The adapter's tensors, and the weights after it was merged."""
    net, tensors = network(), {}
    for name in layers:
        layer = getattr(net, name)
        module = kind(f"lora_unet_{name}", layer, **options)
        fill(module.named_parameters(), spread)
        if kind is FullModule:
            state = {"diff": module.weight, "diff_b": module.bias}
        else:
            state = module.state_dict()
        tensors |= {f"lora_unet_{name}.{key}": p.detach().clone() for key, p in state.items()}
        if kind in (LohaModule, LokrModule):
            # As it is trained: get_merged_weight multiplies by alpha over the rank twice.
            weight, bias = layer.weight + scale * module.get_weight(layer.weight.shape), None
        elif not options.get("wd_on_out", True):
            weight, bias = apply_dora_scale(layer.weight, module.get_diff_weight()[0], module.dora_scale, scale), None
        else:
            weight, bias = module.get_merged_weight(scale)
        layer.weight.data = weight.detach()
        if bias is not None:
            layer.bias.data = bias.detach()
    return tensors, None, scale, net


def pefts(scale, config, spread=0.5):
    net = network()
    model = peft.get_peft_model(net, config)
    fill([(key, p) for key, p in model.named_parameters() if p.requires_grad], spread)
    tensors = {key: p.detach().clone() for key, p in peft.get_peft_model_state_dict(model).items()}
    settings = {key: sorted(p) if isinstance(p, set) else p for key, p in config.to_dict().items() if p is not None}
    for module in model.modules():
        if scale != 1 and isinstance(module, peft.tuners.tuners_utils.BaseTunerLayer):
            module.set_scale("default", scale)
    return tensors, settings, scale, model.merge_and_unload()


def main():
    both = ["linear", "conv"]
    cases = {
        "locon": lycoris(LoConModule, 0.7, lora_dim=2, alpha=3, use_tucker=True),
        "dora": lycoris(LoConModule, 1.0, lora_dim=2, alpha=1, weight_decompose=True),
        "dora-of-inputs": lycoris(LoConModule, 0.5, lora_dim=2, alpha=1, weight_decompose=True, wd_on_out=False),
        "loha": lycoris(LohaModule, 1.0, lora_dim=2, alpha=1),
        "lokr": lycoris(LokrModule, 1.0, lora_dim=1, alpha=1, factor=2),
        "full": lycoris(FullModule, 0.8),
        "norm": lycoris(NormModule, 0.8, layers=("norm",)),
        "ia3": lycoris(IA3Module, 0.6),
        "ia3-of-inputs": lycoris(IA3Module, 1.0, train_on_input=True),
        "glora": lycoris(GLoRAModule, 0.6, lora_dim=2, alpha=1),
        "oft": lycoris(DiagOFTModule, 0.6, lora_dim=2),
        "coft": lycoris(DiagOFTModule, 1.0, lora_dim=2, constraint=0.0625, rescaled=True),
        "boft": lycoris(ButterflyOFTModule, 0.6, lora_dim=2),
        "boft-rescaled": lycoris(ButterflyOFTModule, 1.0, lora_dim=2, constraint=0.125, rescaled=True),
        "peft-lora": pefts(1.0, peft.LoraConfig(
            r=2, lora_alpha=5, target_modules=both, use_rslora=True, lora_bias=True, modules_to_save=["norm"],
            rank_pattern={"conv": 3}, alpha_pattern={"^lin.ar": 4},
        )),
        "peft-dora": pefts(0.5, peft.LoraConfig(r=2, lora_alpha=5, target_modules=both, use_dora=True)),
        "peft-loha": pefts(1.0, peft.LoHaConfig(r=2, alpha=5, target_modules=both, use_effective_conv2d=True)),
        "peft-lokr": pefts(1.0, peft.LoKrConfig(r=3, alpha=5, target_modules=both)),
        "peft-ia3": pefts(1.0, peft.IA3Config(target_modules=both, feedforward_modules=["conv"])),
        "peft-oft": pefts(1.0, peft.OFTConfig(oft_block_size=4, target_modules=both, use_cayley_neumann=False)),
        "peft-oft-terms": pefts(1.0, peft.OFTConfig(oft_block_size=4, target_modules=both), 0.1),
        "peft-oft-shared": pefts(1.0, peft.OFTConfig(oft_block_size=4, target_modules=both, coft=True, block_share=True, eps=0.1)),
        "peft-boft": pefts(1.0, peft.BOFTConfig(boft_block_size=4, target_modules=both)),
    }
    base = network().state_dict()
    tensors = {f"base/{key}": p for key, p in base.items()}
    about = {}
    for case, (adapter, settings, scale, net) in cases.items():
        tensors |= {f"{case}/adapter/{key}": p.half() if p.is_floating_point() else p for key, p in adapter.items()}
        merged = {key: p for key, p in net.state_dict().items() if not torch.equal(p, base[key])}
        tensors |= {f"{case}/merged/{key}": p for key, p in merged.items()}
        about[case] = json.dumps(dict(scale=scale, settings=settings), default=str, sort_keys=True)
        print(case, sorted(adapter), sorted(merged))
    save_file({key: p.detach().contiguous().clone() for key, p in tensors.items()}, HERE / "adapters.safetensors", about)


if __name__ == "__main__":
    main()
