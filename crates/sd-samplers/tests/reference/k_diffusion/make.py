"""Calls and ends of k-diffusion's samplers, in float64, on a mixture of two Gaussians.

Reference: torch 2.8.0, scipy 1.17.1, k-diffusion 0.1.1
Writes: trajectories.json
Test: crates/sd-samplers/tests/reference/k_diffusion/mod.rs

Images are six independent numbers. Each is drawn from a mixture of two Gaussians, so the best denoiser is known.
Fresh noise is a formula of the level that it leads down to, so it does not matter how often it is drawn. `mod.rs` has
the same denoiser and the same noise; a row here needs one there. Of k-diffusion only `sampling` is imported.
"""
import importlib.util
import inspect
import json
import os
import sys
import types

import torch

# Between them are equal and unequal ratios, and none is one that a sampler would choose.
LEVELS = [13.7, 7.9, 4.6, 2.35, 1.31, 0.62, 0.27, 0.085, 0.0]
START = [-19.0, -6.5, -0.4, 2.2, 9.3, 21.0]
# Weight, mean and spread.
MIXTURE = [(0.4, -1.3, 0.35), (0.6, 0.9, 0.6)]

CHURN = {"s_churn": 2.4, "s_tmin": 0.2, "s_tmax": 8.0, "s_noise": 1.007}
# Name, function, options.
ROWS = [
    ("euler", "sample_euler", {}),
    ("euler churn", "sample_euler", CHURN),
    # More than each step can take.
    ("euler most churn", "sample_euler", {"s_churn": 40.0}),
    ("euler ancestral", "sample_euler_ancestral", {}),
    ("euler ancestral 0.6", "sample_euler_ancestral", {"eta": 0.6, "s_noise": 0.97}),
    ("heun", "sample_heun", {}),
    ("heun churn", "sample_heun", CHURN),
    ("dpm2", "sample_dpm_2", {}),
    ("dpm2 churn", "sample_dpm_2", CHURN),
    ("dpm2 ancestral", "sample_dpm_2_ancestral", {}),
    ("dpm2 ancestral 0.6", "sample_dpm_2_ancestral", {"eta": 0.6, "s_noise": 0.97}),
    ("lms 4", "sample_lms", {"order": 4}),
    ("lms 2", "sample_lms", {"order": 2}),
]


def sampling():
    """k_diffusion.sampling; the package itself imports the whole of its training."""
    folder = importlib.util.find_spec("k_diffusion").submodule_search_locations[0]
    package = types.ModuleType("k_diffusion")
    package.__path__ = [folder]
    package.utils = types.ModuleType("k_diffusion.utils")
    package.utils.append_dims = lambda x, dims: x[(...,) + (None,) * (dims - x.ndim)]
    sys.modules.update({"k_diffusion": package, "k_diffusion.utils": package.utils})
    from k_diffusion import sampling
    return sampling


def denoise(x, sigma):
    sigma = sigma.reshape(-1, 1, 1, 1)
    log_weights = torch.stack([
        torch.log(weight / torch.sqrt(spread**2 + sigma**2)) - 0.5 * (x - mean) ** 2 / (spread**2 + sigma**2)
        for weight, mean, spread in MIXTURE
    ])
    means = torch.stack([
        (x * spread**2 + mean * sigma**2) / (spread**2 + sigma**2) for _, mean, spread in MIXTURE
    ])
    return (torch.softmax(log_weights, 0) * means).sum(0)


def noise(sigma):
    return 1.4 * torch.cos(1 + 7 * sigma + 3 * torch.arange(len(START))).reshape(1, 1, 1, -1)


def trajectory(sampling, function, options):
    levels = torch.tensor(LEVELS)
    x = torch.tensor(START).reshape(1, 1, 1, -1)
    calls = []

    def model(x, sigma):
        calls.append([sigma.item(), *x.flatten().tolist()])
        return denoise(x, sigma)

    # sample_euler, sample_heun and sample_dpm_2 draw once per step, used or not.
    drawn_at = iter(levels)
    sampling.torch.randn_like = lambda x: noise(next(drawn_at))
    function = getattr(sampling, function)
    if "noise_sampler" in inspect.signature(function).parameters:
        options = {**options, "noise_sampler": lambda a, b: noise(min(a, b))}
    end = function(model, x, levels, disable=True, **options)
    return {"calls": calls, "end": end.flatten().tolist()}


def main():
    torch.set_default_dtype(torch.float64)
    module = sampling()
    rows = {name: trajectory(module, function, options) for name, function, options in ROWS}
    digits = lambda values: [float(f"{value:.13g}") for value in values]
    lines = [f'  "levels": {json.dumps(LEVELS)}', f'  "start": {json.dumps(START)}']
    for name, row in rows.items():
        calls = ",\n      ".join(json.dumps(digits(call)) for call in row["calls"])
        end = json.dumps(digits(row["end"]))
        lines.append(f'  "{name}": {{\n    "calls": [\n      {calls}\n    ],\n    "end": {end}\n  }}')
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "trajectories.json"), "w") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
