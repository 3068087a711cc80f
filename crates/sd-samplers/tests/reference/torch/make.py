"""Numbers that torch.randn draws on the CPU, from the first call of a seed and from several calls.

Reference: torch 2.8.0
Writes: draws.json
Test: crates/sd-samplers/tests/reference/torch/mod.rs

On x86-64 with AVX2. A draw is its first and last number and a checksum of all of them.
"""
import json
import pathlib

import torch

SEEDS = [0, 42, 2**32 + 5, 2**64 - 59]
COUNTS = [1, 5, 15, 16, 17, 31, 64, 100, 16384]
MIXED = [3, 17, 3, 64, 1, 16384, 15, 16]


def checksum(numbers):
    total = 0
    for bits in numbers.view(torch.int32).tolist():
        total = (31 * total + bits) & 0xFFFFFFFF
    return f"{total:#010x}"


def first(seed, count):
    numbers = torch.randn(count, generator=torch.Generator("cpu").manual_seed(seed))
    # The shortest digits that are the same number in single precision.
    ends = {name: float(str(numbers[i].numpy())) for name, i in (("first", 0), ("last", -1))}
    return {"seed": seed, "count": count, **ends, "checksum": checksum(numbers)}


def rows(draws):
    return "[\n" + ",\n".join(f"    {json.dumps(draw)}" for draw in draws) + "\n  ]"


generator = torch.Generator("cpu").manual_seed(42)
consecutive = [{"count": count, "checksum": checksum(torch.randn(count, generator=generator))} for count in MIXED]
all_first = [first(seed, count) for seed in SEEDS for count in COUNTS]
path = pathlib.Path(__file__).with_name("draws.json")
path.write_text(f'{{\n  "first": {rows(all_first)},\n  "consecutive": {rows(consecutive)}\n}}\n')
