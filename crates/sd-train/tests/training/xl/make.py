"""Losses of twenty steps of a LoRA of the tiny model `sdxl`, trained with PEFT and PyTorch's AdamW.

Reference: torch 2.8.0, peft 0.21.2, diffusers 0.42.1, transformers 5.23.0
Writes: losses.json
Test: crates/sd-train/tests/training/xl/mod.rs
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
    pipe = pipeline("sdxl")
    unet, texts = pipe.unet, [pipe.text_encoder, pipe.text_encoder_2]
    trained = adapt("unet", unet)
    for name, text in zip(("text_encoder", "text_encoder_2"), texts):
        trained += adapt(name, text)
    captions = [
        torch.tensor([[(7 * image + 3 * place + other) % 300 for place in range(77)] for image in range(IMAGES)])
        for other in range(2)
    ]
    sizes = torch.tensor([[64.0 + 8 * image, 72, image, 2 * image, 64, 64] for image in range(IMAGES)])

    def predict(x, t, images):
        # As in diffusers' train_text_to_image_lora_sdxl.py.
        outs = [text(ids[images], output_hidden_states=True) for text, ids in zip(texts, captions)]
        states = torch.cat([out.hidden_states[-2] for out in outs], -1)
        added = dict(text_embeds=outs[1][0], time_ids=sizes[images])
        return unet(x, t, states, added_cond_kwargs=added).sample

    (HERE / "losses.json").write_text(json.dumps(train_adapters(trained, predict)) + "\n")


if __name__ == "__main__":
    main()
