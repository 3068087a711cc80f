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

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "sd-golden" / "golden"))
from tiny import pipeline
from twenty_steps import IMAGES, train

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
    word = list(range(known, known + VECTORS))
    captions = torch.tensor([
        [(7 * image + 3 * place) % 300 for place in range(5)] + word + [(5 * place) % 300 for place in range(70)]
        for image in range(IMAGES)
    ])

    def predict(x, t, images):
        return unet(x, t, text(captions[images])[0]).sample

    def put_back():
        with torch.no_grad():
            table[:known] = before

    losses = train([table], 5e-2, predict, after_step=put_back)
    (HERE / "losses.json").write_text(json.dumps(dict(losses=losses, vectors=table[known:].flatten().tolist())) + "\n")


if __name__ == "__main__":
    main()
