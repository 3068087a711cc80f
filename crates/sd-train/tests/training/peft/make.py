"""Losses of twenty steps of a LoRA of the tiny model `sd1`, trained with PEFT and PyTorch's AdamW.

Reference: torch 2.8.0, peft 0.21.2, diffusers 0.42.1, transformers 5.23.0
Writes: losses.json
Test: crates/sd-train/tests/training/peft/mod.rs
After: models

Images, captions, noise and first adapters are seeded by their names, so the test trains on the same.
"""
import json
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3] / "sd-golden" / "golden"))
from tiny import pipeline
from twenty_steps import IMAGES, adapt, train_adapters


def main():
    pipe = pipeline("sd1")
    unet, text = pipe.unet, pipe.text_encoder
    trained = adapt("unet", unet) + adapt("text_encoder", text)
    captions = torch.tensor([[(7 * image + 3 * place) % 300 for place in range(77)] for image in range(IMAGES)])

    def predict(x, t, images):
        return unet(x, t, text(captions[images])[0]).sample

    (HERE / "losses.json").write_text(json.dumps(train_adapters(trained, predict)) + "\n")


if __name__ == "__main__":
    main()
