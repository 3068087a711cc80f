"""Prints the golden numbers of torch.rs: `python torch_golden.py`, PyTorch 2.8 on x86-64 with AVX2."""

import torch

SEEDS = [0, 42, 2**32 + 5, 2**64 - 59]
COUNTS = [1, 5, 15, 16, 17, 31, 64, 100, 16384]
MIXED = [3, 17, 3, 64, 1, 16384, 15, 16]


def checksum(numbers):
    total = 0
    for bits in numbers.view(torch.int32).tolist():
        total = (31 * total + bits) & 0xFFFFFFFF
    return f"{total:#010x}"


def ends(numbers):
    return ", ".join(str(numbers[i].numpy()) for i in (0, -1))


print("/// Seed, count, first and last number, checksum.")
print(f"const DRAWS: [(u64, usize, f32, f32, u32); {len(SEEDS) * len(COUNTS)}] = [")
for seed in SEEDS:
    for count in COUNTS:
        numbers = torch.randn(count, generator=torch.Generator("cpu").manual_seed(seed))
        print(f"    ({seed}, {count}, {ends(numbers)}, {checksum(numbers)}),")
print("];")

print("/// Count and checksum of draws from one generator with seed 42.")
print(f"const CONSECUTIVE: [(usize, u32); {len(MIXED)}] = [")
generator = torch.Generator("cpu").manual_seed(42)
for count in MIXED:
    print(f"    ({count}, {checksum(torch.randn(count, generator=generator))}),")
print("];")
