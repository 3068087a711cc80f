"""Losses of twenty steps of the textual inversion of a word of two vectors in the tiny model `sd1`, as diffusers' script trains it.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0
Writes: losses.json
Test: crates/sd-train/tests/training/inverting/mod.rs
After: models

As in examples/textual_inversion/textual_inversion.py, the whole table of tokens is trained, and after each step all rows but the new
ones are put back. Images, captions and noise are seeded by their names, so the test trains on the same.
"""
import json
import pathlib
import sys

import torch
from diffusers import DDPMScheduler

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "sd-golden" / "golden"))
from tiny import BETAS, noise, pipeline

HERE = pathlib.Path(__file__).parent
IMAGES, BATCH, STEPS = 6, 4, 20
INITIAL, VECTORS = 77, 2


def main():
    pipe = pipeline("sd1")
    unet, text = pipe.unet, pipe.text_encoder
    for network in (unet, text):
        network.requires_grad_(False)
    known = text.get_input_embeddings().weight.shape[0]
    text.resize_token_embeddings(known + VECTORS, mean_resizing=False)
    table = text.get_input_embeddings().weight
    with torch.no_grad():
        table[known:] = table[INITIAL]
    before = table[:known].clone()
    table.requires_grad_(True)
    optimizer = torch.optim.AdamW([table], lr=5e-2, weight_decay=0.01)
    scheduler = DDPMScheduler(**BETAS)
    word = list(range(known, known + VECTORS))
    captions = torch.tensor([
        [(7 * image + 3 * place) % 300 for place in range(5)] + word + [(5 * place) % 300 for place in range(70)]
        for image in range(IMAGES)
    ])
    losses = []
    for step in range(STEPS):
        draws = range(step * BATCH, (step + 1) * BATCH)
        images = [draw % IMAGES for draw in draws]
        t = torch.tensor([(137 * draw + 41) % 1000 for draw in draws])
        x0 = torch.stack([noise(f"train/image/{image}", 4, 8, 8) for image in images])
        eps = torch.stack([noise(f"train/noise/{draw}", 4, 8, 8) for draw in draws])
        predicted = unet(scheduler.add_noise(x0, eps, t), t, text(captions[images])[0]).sample
        loss = (predicted - eps).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            table[:known] = before
        losses.append(loss.item())
    (HERE / "losses.json").write_text(json.dumps(dict(losses=losses, vectors=table[known:].flatten().tolist())) + "\n")


if __name__ == "__main__":
    main()
