"""Trajectories of the DPM-Solver++ family of k-diffusion and diffusers, in float64, on a mixture of two Gaussians.

Reference: torch 2.8.0, scipy 1.17.1, k-diffusion 0.1.1, diffusers 0.42.1
Writes: trajectories.json
Test: crates/sd-samplers/tests/reference/dpm_solver/mod.rs

The references' own code, in float64 throughout, with the exact denoiser of the mixture and noise that is a formula of the two
levels and the element. Of k-diffusion only `sampling` is imported.
"""

import functools
import importlib.util
import json
import pathlib
import sys
import types

import torch

torch.set_default_dtype(torch.float64)
ELEMENTS = 12
WEIGHTS, MEANS, SPREADS = torch.tensor([0.4, 0.6]), torch.tensor([-1.3, 0.9]), torch.tensor([0.35, 0.6])


def karras(steps, first, last):
    ramp = torch.linspace(0, 1, steps)
    return (first ** (1 / 7) + ramp * (last ** (1 / 7) - first ** (1 / 7))) ** 7


def denoise(x, sigma):
    x, variances = x[..., None], SPREADS**2 + sigma**2
    shares = torch.softmax(torch.log(WEIGHTS) - variances.log() / 2 - (x - MEANS) ** 2 / (2 * variances), dim=-1)
    return (shares * (SPREADS**2 * x + sigma**2 * MEANS) / variances).sum(-1)


def noise(sigma, sigma_next):
    return 1.4 * torch.cos(3 * sigma + 5 * sigma_next + 2 * torch.arange(ELEMENTS).reshape(1, 1, 1, -1))


def start(levels):
    return levels[0] * 1.2 * torch.sin(0.7 + 1.9 * torch.arange(ELEMENTS)).reshape(1, 1, 1, -1)


@functools.cache
def k_diffusion_sampling():
    """The module of samplers alone: the package itself imports much more than it takes to run them."""
    package, utils = types.ModuleType("k_diffusion"), types.ModuleType("k_diffusion.utils")
    package.__path__ = list(importlib.util.find_spec("k_diffusion").submodule_search_locations)
    utils.append_dims = lambda x, dims: x[(...,) + (None,) * (dims - x.ndim)]
    package.utils = utils
    sys.modules |= {"k_diffusion": package, "k_diffusion.utils": utils}
    return importlib.import_module("k_diffusion.sampling")


def with_k_diffusion(name, levels, **options):
    """The image after each step."""
    seen = []
    if options:
        options["noise_sampler"] = noise
    last = getattr(k_diffusion_sampling(), f"sample_{name}")(
        lambda x, sigma: denoise(x, sigma), start(levels), levels,
        callback=lambda step: seen.append(step["x"]), disable=True, **options,
    )
    return [*seen[1:], last]


class Doubles:
    """PyTorch with float64 under the name of float32, to which the scheduler casts."""

    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


def with_diffusers(algorithm, levels):
    """The image after each step, in variance-exploding form."""
    from diffusers.schedulers import scheduling_dpmsolver_multistep as module

    module.torch = Doubles()
    scheduler = module.DPMSolverMultistepScheduler(
        algorithm_type=algorithm, prediction_type="sample", final_sigmas_type="sigma_min"
    )
    scheduler.set_timesteps(len(levels) - 1)
    scheduler.sigmas = levels
    x, seen = start(levels), []
    for t, sigma, sigma_next in zip(scheduler.timesteps, levels, levels[1:]):
        fresh = noise(sigma, sigma_next)
        preserving = x / (1 + sigma**2).sqrt()
        x = scheduler.step(denoise(x, sigma), t, preserving, variance_noise=fresh).prev_sample
        x = x * (1 + sigma_next**2).sqrt()
        assert x.dtype == torch.float64
        seen.append(x)
    return seen


def case(reference, sampler, options, levels, images):
    """Three of the images are enough."""
    steps = [3, len(levels) // 2 + 1, len(levels) - 1]
    return {
        "reference": reference,
        "sampler": sampler,
        **options,
        "levels": levels.tolist(),
        "start": start(levels).flatten().tolist(),
        "steps": steps,
        "images": [images[step - 1].flatten().tolist() for step in steps],
    }


def main():
    to_zero = torch.cat([karras(10, 14.6, 0.03), torch.zeros(1)])
    cases = []
    for name, options in [
        ("dpmpp_2m", {}),
        ("dpmpp_2s_ancestral", {"eta": 1.0, "s_noise": 1.0}),
        ("dpmpp_2s_ancestral", {"eta": 0.5, "s_noise": 1.0}),
        ("dpmpp_sde", {"eta": 1.0, "s_noise": 1.0}),
        ("dpmpp_sde", {"eta": 0.5, "s_noise": 0.9}),
        ("dpmpp_2m_sde", {"eta": 1.0, "s_noise": 1.0}),
        ("dpmpp_2m_sde", {"eta": 0.5, "s_noise": 0.9}),
        ("dpmpp_3m_sde", {"eta": 1.0, "s_noise": 1.0}),
        ("dpmpp_3m_sde", {"eta": 0.5, "s_noise": 0.9}),
        ("dpmpp_3m_sde", {"eta": 0.0, "s_noise": 1.0}),
    ]:
        cases.append(case("k-diffusion", name, options, to_zero, with_k_diffusion(name, to_zero, **options)))
    for name, algorithm, options in [
        ("dpmpp_2m", "dpmsolver++", {}),
        ("dpmpp_2m_sde", "sde-dpmsolver++", {"eta": 1.0, "s_noise": 1.0}),
    ]:
        # Fewer than 15 steps and not, both ending above 0.
        for steps in (10, 16):
            levels = karras(steps + 1, 11.3, 0.05)
            cases.append(case("diffusers", name, options, levels, with_diffusers(algorithm, levels)))
    lines = ",\n".join(json.dumps(case) for case in cases)
    pathlib.Path(__file__).with_name("trajectories.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
