"""Trajectories of diffusers' own schedulers, in float64, on a mixture of two Gaussians.

Reference: torch 2.8.0, diffusers 0.42.1
Writes: trajectories.json
Test: crates/sd-samplers/tests/reference/diffusers/mod.rs

The schedulers compute in float32 what they set up; here that name means float64.
"""

import json
import math
import pathlib

import numpy as np
import torch
from diffusers import (
    DEISMultistepScheduler,
    LCMScheduler,
    SASolverScheduler,
    TCDScheduler,
    UniPCMultistepScheduler,
)
from diffusers.schedulers import scheduling_lcm, scheduling_sasolver, scheduling_tcd

torch.float32 = torch.float64
np.float32 = np.float64
torch.set_default_dtype(torch.float64)

START = [-2.1, -1.2, -0.6, -0.1, 0.2, 0.8, 1.3, 1.9]
DISTILLED = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
TRAINED = DISTILLED | {"timestep_spacing": "leading", "steps_offset": 1}


def denoise(x, sigma):
    """Exact for data that is -1.3 with a spread of 0.35 in 40 % of the cases, and 0.9 with 0.6 in the others."""
    weighed = []
    for weight, mean, spread in [(0.4, -1.3, 0.35), (0.6, 0.9, 0.6)]:
        variance = spread**2 + sigma**2
        density = weight / math.sqrt(variance) * torch.exp(-((x - mean) ** 2) / (2 * variance))
        weighed.append((density, (spread**2 * x + sigma**2 * mean) / variance))
    return sum(d * m for d, m in weighed) / sum(d for d, _ in weighed)


def patch_noise():
    """Draw k is 1.4*cos(1 + 7k + 3i) at element i, in every scheduler; starts at draw 0 again."""
    draws = iter(range(10_000))

    def draw(shape, **_):
        k = next(draws)
        return torch.tensor([1.4 * math.cos(1 + 7 * k + 3 * i) for i in range(math.prod(shape))]).reshape(shape)

    for module in (scheduling_lcm, scheduling_sasolver, scheduling_tcd):
        module.randn_tensor = draw


def walk(name, scheduler, steps, last=None, **step_options):
    """One image. `last` is the level the walk ends at, where the scheduler does not list its levels itself."""
    patch_noise()
    scheduler.set_timesteps(steps)
    sigma_of = ((1 - scheduler.alphas_cumprod) / scheduler.alphas_cumprod).sqrt()
    levels = [sigma_of[t].item() for t in scheduler.timesteps]
    levels.append(scheduler.sigmas[-1].item() if last is None else {"zero": 0.0, "smallest": sigma_of[0].item()}[last])
    if last is None:
        assert np.allclose(levels, scheduler.sigmas, rtol=1e-14)

    exploding = [math.sqrt(1 + level**2) for level in levels]
    x = torch.tensor(START).reshape(1, 1, 1, -1) * scheduler.init_noise_sigma
    seen = [x * exploding[0]]
    for t, sigma, scale in zip(scheduler.timesteps, levels, exploding):
        eps = (x * scale - denoise(x * scale, sigma)) / sigma
        x = scheduler.step(eps, t, x, return_dict=False, **step_options)[0]
        assert x.dtype == torch.float64
        seen.append(x * exploding[len(seen)])
    print(name, steps, [int(t) for t in scheduler.timesteps], levels[-1])
    flat = [image.flatten().tolist() for image in seen]
    return {"sampler": name, "levels": levels, "start": flat[0], "middle": flat[steps // 2], "end": flat[-1]}


def walks(steps):
    for order in (1, 2, 3):
        # With bh1, diffusers' step to level 0 gives NaN: B(h) is infinite there, times 0.
        for b, final in (("bh1", "sigma_min"), ("bh2", "zero"), ("bh2", "sigma_min")):
            options = TRAINED | {"solver_type": b, "final_sigmas_type": final}
            yield walk(f"unipc {order} {b}", UniPCMultistepScheduler(solver_order=order, **options), steps)
        yield walk(f"deis {order}", DEISMultistepScheduler(solver_order=order, **TRAINED), steps)
    yield walk("sa-solver 1", SASolverScheduler(**TRAINED), steps)
    yield walk("sa-solver 0", SASolverScheduler(tau_func=lambda t: 0, **TRAINED), steps)
    yield walk("lcm", LCMScheduler(**DISTILLED), steps, "zero")
    # c_skip is 0 and c_out 1 to all digits: what the sampler has.
    yield walk("lcm without mixing", LCMScheduler(timestep_scaling=1e12, **DISTILLED), steps, "zero")
    for gamma in (0.0, 0.3, 1.0):
        yield walk(f"tcd {gamma}", TCDScheduler(**DISTILLED), steps, "smallest", eta=gamma)


lines = [json.dumps(case, allow_nan=False) for steps in (7, 10, 20) for case in walks(steps)]
path = pathlib.Path(__file__).with_name("trajectories.json")
path.write_text("[\n" + ",\n".join(lines) + "\n]\n")
