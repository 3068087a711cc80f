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
from diffusers import DDPMScheduler
from peft import LoraConfig

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "sd-golden" / "golden"))
from tiny import BETAS, noise, pipeline

HERE = pathlib.Path(__file__).parent
IMAGES, BATCH, STEPS = 6, 4, 20
RANK, ALPHA = 4, 8
UNET = (
    "to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "conv1", "conv2", "conv_shortcut",
    "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv",
)
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


def adapt(component, network, targets):
    """Add adapters with seeded first values to a network, and return them."""
    network.requires_grad_(False)
    network.add_adapter(LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=list(targets)))
    trained = []
    for key, p in network.named_parameters():
        if ".lora_A." in key:
            path = key.split(".lora_A.")[0]
            if component != "unet" and not path.startswith("text_model."):
                path = "text_model." + path
            p.data = noise(f"train/{component}/{path}", *p.shape) / p[0].numel() ** 0.5
        if ".lora_" in key:
            trained.append(p)
    return trained


def main():
    pipe = pipeline("sdxl")
    unet, texts = pipe.unet, [pipe.text_encoder, pipe.text_encoder_2]
    trained = adapt("unet", unet, UNET)
    for name, text in zip(("text_encoder", "text_encoder_2"), texts):
        trained += adapt(name, text, TEXT)
    optimizer = torch.optim.AdamW(trained, lr=2e-3, weight_decay=0.01)
    scheduler = DDPMScheduler(**BETAS)
    captions = [
        torch.tensor([[(7 * image + 3 * place + other) % 300 for place in range(77)] for image in range(IMAGES)])
        for other in range(2)
    ]
    sizes = torch.tensor([[64.0 + 8 * image, 72, image, 2 * image, 64, 64] for image in range(IMAGES)])
    losses = []
    for step in range(STEPS):
        draws = range(step * BATCH, (step + 1) * BATCH)
        images = [draw % IMAGES for draw in draws]
        t = torch.tensor([(137 * draw + 41) % 1000 for draw in draws])
        x0 = torch.stack([noise(f"train/image/{image}", 4, 8, 8) for image in images])
        eps = torch.stack([noise(f"train/noise/{draw}", 4, 8, 8) for draw in draws])
        # As in diffusers' train_text_to_image_lora_sdxl.py.
        outs = [text(ids[images], output_hidden_states=True) for text, ids in zip(texts, captions)]
        states = torch.cat([out.hidden_states[-2] for out in outs], -1)
        added = dict(text_embeds=outs[1][0], time_ids=sizes[images])
        predicted = unet(scheduler.add_noise(x0, eps, t), t, states, added_cond_kwargs=added).sample
        loss = (predicted - eps).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        losses.append(loss.item())
    count = sum(p.numel() for p in trained)
    (HERE / "losses.json").write_text(json.dumps(dict(weights=count, losses=losses)) + "\n")


if __name__ == "__main__":
    main()
