"""Schedules, timesteps and noise levels of diffusers, k-diffusion and ComfyUI, in float64.

Reference: torch 2.8.0, scipy 1.17.1, diffusers 0.42.1, k-diffusion 0.1.1, ComfyUI e0d4ea77
Writes: golden.json
Test: crates/sd-schedule/tests/golden/schedules/mod.rs

The environment variable COMFYUI names a folder of ComfyUI's sources, of which five functions are run: of comfy/samplers.py
(commit e0d4ea77) and of comfy_extras/nodes_align_your_steps.py (commit 341667c4).

Prints where the references fail, and how far their own float32 is off.

The references calculate in float32, where `1 - alpha_bar` loses digits. Here they see a torch and a NumPy whose
float32 is float64: the same code, with the digits that it takes to compare formulas.
"""
import ast
import json
import math
import os
import sys
import types

import numpy
import scipy.stats
import torch

STEPS = [1, 2, 3, 7, 10, 28, 30, 50, 999, 1000]
# A stride whose halves depend on how NumPy rounds it, and one where that makes a step too many.
TRAILING_STEPS = [48, 61]
SD = {"num_train_timesteps": 1000, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
SPACINGS = {
    "leading": {"timestep_spacing": "leading", "steps_offset": 1},
    "linspace": {"timestep_spacing": "linspace"},
    "trailing": {"timestep_spacing": "trailing"},
}
HERE = os.path.dirname(os.path.abspath(__file__))


class Wide:
    """A module whose float32 is float64."""

    def __init__(self, module):
        self.module = module
        self.float32 = self.float = module.float64
        self.FloatTensor = getattr(module, "DoubleTensor", None)

    def __getattr__(self, name):
        return getattr(self.module, name)


class Narrow(Wide):
    """The module itself."""

    def __init__(self, module):
        self.module = module


def diffusers_schedulers(view):
    from diffusers.schedulers import (
        scheduling_ddim, scheduling_ddpm, scheduling_dpmsolver_multistep, scheduling_euler_discrete, scheduling_lcm,
        scheduling_tcd,
    )
    names = {
        scheduling_ddim: "DDIMScheduler", scheduling_ddpm: "DDPMScheduler", scheduling_lcm: "LCMScheduler",
        scheduling_dpmsolver_multistep: "DPMSolverMultistepScheduler", scheduling_tcd: "TCDScheduler",
        scheduling_euler_discrete: "EulerDiscreteScheduler",
    }
    for module in names:
        module.torch, module.np = view(torch), view(numpy)
    classes = {name: getattr(module, name) for module, name in names.items()}
    return types.SimpleNamespace(**classes)


def k_diffusion():
    """Its two files of schedules; the package itself imports the whole of its training."""
    import importlib.util
    folder = importlib.util.find_spec("k_diffusion").submodule_search_locations[0]
    package = types.ModuleType("k_diffusion")
    package.__path__ = [folder]
    sys.modules["k_diffusion"] = package
    sys.modules["k_diffusion.utils"] = types.ModuleType("k_diffusion.utils")
    package.utils = sys.modules["k_diffusion.utils"]
    from k_diffusion import external, sampling
    return external, sampling


def functions(path, names, view):
    """Some functions of a source file, without what the rest of it imports."""
    with open(path) as file:
        tree = ast.parse(file.read())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    scope = {"torch": view(torch), "numpy": view(numpy), "np": view(numpy), "math": math, "scipy": scipy}
    exec(compile(tree, path, "exec"), scope)
    return types.SimpleNamespace(**{name: scope[name] for name in names})


def tables(schedulers):
    for kind in ["linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"]:
        config = SD | {"beta_schedule": kind}
        scheduler = schedulers.DDPMScheduler(**config)
        yield f"betas {kind}", scheduler.betas
        yield f"alpha_bar {kind}", scheduler.alphas_cumprod
        if kind == "sigmoid":
            # The classes that set the last alpha_bar themselves do not know this kind.
            config |= {"trained_betas": scheduler.betas.tolist()}
        scheduler = schedulers.EulerDiscreteScheduler(**config, rescale_betas_zero_snr=True)
        yield f"zero_snr {kind}", scheduler.alphas_cumprod


def grids(schedulers, comfy, ays, external, sampling, steps):
    def made(scheduler, field):
        scheduler.set_timesteps(steps)
        return getattr(scheduler, field)

    for name, spacing in SPACINGS.items():
        yield f"ddim {name}", lambda: made(schedulers.DDIMScheduler(**SD, **spacing), "timesteps")
        yield f"euler {name}", lambda: made(schedulers.EulerDiscreteScheduler(**SD, **spacing), "sigmas")
        yield f"dpm {name}", lambda: made(schedulers.DPMSolverMultistepScheduler(**SD, **spacing), "sigmas")
    yield "lcm", lambda: made(schedulers.LCMScheduler(**SD), "timesteps")
    yield "tcd", lambda: made(schedulers.TCDScheduler(**SD), "timesteps")
    for name in ["karras", "exponential", "beta"]:
        option = {f"use_{name}_sigmas": True}
        yield f"dpm {name}", lambda: made(schedulers.DPMSolverMultistepScheduler(**SD, **option), "sigmas")
        for kind in ["leading", "linspace"]:
            config = SD | SPACINGS[kind] | option
            yield f"euler {name} {kind}", lambda: made(schedulers.EulerDiscreteScheduler(**config), "sigmas")

    discrete = external.DiscreteEpsDDPMDenoiser(None, schedulers.DDIMScheduler(**SD).alphas_cumprod, quantize=False)
    low, high = discrete.sigma_min.item(), discrete.sigma_max.item()
    yield "k karras", lambda: sampling.get_sigmas_karras(steps, low, high)
    yield "k exponential", lambda: sampling.get_sigmas_exponential(steps, low, high)
    yield "k polyexponential", lambda: sampling.get_sigmas_polyexponential(steps, low, high, rho=2.0)
    yield "k normal", lambda: discrete.get_sigmas(steps)

    model = types.SimpleNamespace(
        sigmas=discrete.sigmas, sigma_max=discrete.sigma_max, sigma_min=discrete.sigma_min,
        timestep=lambda sigma: discrete.sigma_to_t(sigma, quantize=True), sigma=discrete.t_to_sigma,
    )
    yield "comfy normal", lambda: comfy.normal_scheduler(model, steps)
    yield "comfy sgm_uniform", lambda: comfy.normal_scheduler(model, steps, sgm=True)
    yield "comfy simple", lambda: comfy.simple_scheduler(model, steps)
    yield "comfy beta", lambda: comfy.beta_scheduler(model, steps)
    yield "comfy kl_optimal", lambda: comfy.kl_optimal_scheduler(steps, low, high)

    from diffusers.schedulers import AysSchedules
    for name in ["StableDiffusion", "StableDiffusionXL"]:
        if steps == 10:
            yield f"ays {name}", lambda: AysSchedules[f"{name}Sigmas"]
        # ComfyUI's node lays its own, longer digits of this table out so.
        table = AysSchedules[f"{name}Sigmas"][:-1] + [0.029]
        yield f"ays comfy {name}", lambda: [*ays.loglinear_interp(table, steps + 1)[:-1], 0.0]


def everything(view, comfyui, external, sampling):
    torch.set_default_dtype(torch.float64 if view is Wide else torch.float32)
    narrow = torch.Tensor.float
    if view is Wide:
        torch.Tensor.float = torch.Tensor.double
    schedulers = diffusers_schedulers(view)
    names = ["simple_scheduler", "normal_scheduler", "beta_scheduler", "kl_optimal_scheduler"]
    comfy = functions(f"{comfyui}/comfy/samplers.py", names, view)
    ays = functions(f"{comfyui}/comfy_extras/nodes_align_your_steps.py", ["loglinear_interp"], view)
    made = {name: numpy.asarray(table).tolist() for name, table in tables(schedulers)}
    for steps in STEPS + TRAILING_STEPS:
        for name, grid in grids(schedulers, comfy, ays, external, sampling, steps):
            if steps in TRAILING_STEPS and "trailing" not in name:
                continue
            try:
                made[f"{name} {steps}"] = [float(value) for value in grid()]
            except (ValueError, IndexError, ZeroDivisionError, RuntimeError) as error:
                print(f"{name} {steps}: {type(error).__name__}: {str(error)[:100]}")
                made[f"{name} {steps}"] = None
    torch.Tensor.float = narrow
    return made


def excerpt(values):
    """Short lists whole, of long ones each `every`-th and the last value, and the sum for the rest."""
    if values is None or not all(map(math.isfinite, values)):
        return None
    every = 1 if len(values) <= 12 else 10 if len(values) <= 52 else 50
    kept = values[::every] + values[-1:]
    return {"count": len(values), "every": every, "sum": math.fsum(values), "values": [shorten(v) for v in kept]}


def shorten(value):
    return int(value) if value == int(value) else float(f"{value:.13g}")


def main(comfyui):
    external, sampling = k_diffusion()
    wide, narrow = (everything(view, comfyui, external, sampling) for view in (Wide, Narrow))
    off = {}
    for name, values in wide.items():
        if values is None or len(values) != len(narrow[name]):
            continue
        kind = name.rsplit(" ", 1)[0] if name.rsplit(" ", 1)[1].isdigit() else name
        for index, (value, rounded) in enumerate(zip(values, narrow[name])):
            if value and math.isfinite(value):
                off[kind] = max(off.get(kind, (0, 0, "")), (abs(rounded / value - 1), index, name))
    for kind, (worst, index, name) in off.items():
        print(f"float32 of {kind}: off by {worst:.1e} at [{index}] of {name}")
    lines = [f"  {json.dumps(name)}: {json.dumps(excerpt(values))}" for name, values in wide.items()]
    with open(f"{HERE}/golden.json", "w") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if "COMFYUI" not in os.environ:
    sys.exit("COMFYUI is not set: it names a folder of ComfyUI's sources")
main(os.environ["COMFYUI"])
