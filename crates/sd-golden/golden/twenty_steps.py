"""What the scripts of peft, xl and inverting share: adapters with seeded first values, and twenty steps of training.

Images, noise and first adapters are seeded by their names, so the tests train on the same.
"""
import torch
from diffusers import DDPMScheduler
from peft import LoraConfig

from tiny import BETAS, noise

IMAGES, BATCH, STEPS = 6, 4, 20
RANK, ALPHA = 4, 8
UNET = (
    "to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "conv1", "conv2", "conv_shortcut",
    "time_emb_proj", "downsamplers.0.conv", "upsamplers.0.conv",
)
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


def adapt(component, network):
    """Add adapters with seeded first values to a network, and return them."""
    network.requires_grad_(False)
    targets = UNET if component == "unet" else TEXT
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


def train(trained, rate, predict, after_gradients=lambda: None, after_step=lambda: None):
    """Train parameters by AdamW to predict noise, and return the losses. `predict` takes x, t and the numbers of the images."""
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01)
    scheduler = DDPMScheduler(**BETAS)
    losses = []
    for step in range(STEPS):
        draws = range(step * BATCH, (step + 1) * BATCH)
        images = [draw % IMAGES for draw in draws]
        t = torch.tensor([(137 * draw + 41) % 1000 for draw in draws])
        x0 = torch.stack([noise(f"train/image/{image}", 4, 8, 8) for image in images])
        eps = torch.stack([noise(f"train/noise/{draw}", 4, 8, 8) for draw in draws])
        loss = (predict(scheduler.add_noise(x0, eps, t), t, images) - eps).square().mean()
        optimizer.zero_grad()
        loss.backward()
        after_gradients()
        optimizer.step()
        after_step()
        losses.append(loss.item())
    return losses


def train_adapters(trained, predict):
    """Train adapters as LoRA scripts do, with gradients clipped to a norm of 1; return what losses.json holds."""
    losses = train(trained, 2e-3, predict, after_gradients=lambda: torch.nn.utils.clip_grad_norm_(trained, 1.0))
    return dict(weights=sum(p.numel() for p in trained), losses=losses)
