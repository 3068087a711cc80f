"""The tiny models of the golden sets, and the image that most sets draw.

Weights are not stored. Each tensor is torch.randn, seeded with the hash of its name, scaled so that images are
well-conditioned, and rounded to half precision. The tests make the same weights (crates/sd-golden/src/model.rs).
"""
import json
import math
import pathlib

import diffusers
import torch
from diffusers import (
    AutoencoderKL, DDIMScheduler, EulerDiscreteScheduler, PNDMScheduler, StableDiffusionPipeline, StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline, UNet2DConditionModel,
)
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

diffusers.utils.logging.set_verbosity_error()

# Written by the set `models`.
TOKENIZER = pathlib.Path(__file__).parent / "models" / "tokenizer"
PROMPT, NEGATIVE = "a red house by the sea", "blurry"
BETAS = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
PUBLISHED = dict(clip_sample=False, set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1, trained_betas=None)


def name_hash(text):
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def noise(name, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(name_hash(name)))


def with_seeded_weights(kind, part, module):
    prefix = "text_model." if part.startswith("text") else ""
    with torch.no_grad():
        for key, p in module.named_parameters():
            if prefix and not key.startswith(("text_model.", "text_projection")):
                key = prefix + key
            z = noise(f"{kind}/{part}/{key}", *p.shape)
            if ("norm" in key or "ln_" in key) and key.endswith("weight"):
                z = 1 + 0.2 * z
            elif p.dim() < 2:
                z = 0.1 * z
            elif "embeddings." in key:
                z = 0.3 * z
            else:
                z = 0.9 / math.sqrt(p[0].numel()) * z
            p.copy_(z.half().float())
    return module.eval()


def pipeline(kind, channels=4):
    """Return the tiny model `sd1`, `sd2v`, `sdxl` or `refiner`, with a U-Net that takes `channels`."""
    vocabulary = len(json.loads((TOKENIZER / "vocab.json").read_text()))

    def text(part, width, act, projection=None):
        config = CLIPTextConfig(
            vocab_size=vocabulary, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=3, num_attention_heads=4,
            hidden_act=act, projection_dim=projection or width, bos_token_id=vocabulary - 2, eos_token_id=2, pad_token_id=1,
        )
        return with_seeded_weights(kind, part, (CLIPTextModelWithProjection if projection else CLIPTextModel)(config))

    def tokenizer(pad):
        return CLIPTokenizer(f"{TOKENIZER}/vocab.json", f"{TOKENIZER}/merges.txt", model_max_length=77, pad_token=pad)

    def unet(**options):
        network = UNet2DConditionModel(sample_size=8, norm_num_groups=8, in_channels=channels, **options)
        return with_seeded_weights(kind, "unet", network)

    vae = with_seeded_weights(kind, "vae", AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, norm_num_groups=8,
        block_out_channels=(16, 16, 32, 32), layers_per_block=1, sample_size=64,
        scaling_factor=0.13025 if kind in ("sdxl", "refiner") else 0.18215,
    ))
    four, end = (16, 32, 32, 32), "<|endoftext|>"
    plain = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    if kind == "sd1":
        network = unet(cross_attention_dim=32, attention_head_dim=4, block_out_channels=four)
        pipe = StableDiffusionPipeline(
            vae=vae, text_encoder=text("text_encoder", 32, "quick_gelu"), tokenizer=tokenizer(end), unet=network,
            scheduler=PNDMScheduler(**BETAS), **plain,
        )
    elif kind == "sd2v":
        network = unet(cross_attention_dim=32, attention_head_dim=[2, 4, 4, 4], use_linear_projection=True, block_out_channels=four)
        pipe = StableDiffusionPipeline(
            vae=vae, text_encoder=text("text_encoder", 32, "gelu"), tokenizer=tokenizer("!"), unet=network,
            scheduler=DDIMScheduler(**BETAS), **plain,
        )
    elif kind == "refiner":
        network = unet(
            cross_attention_dim=40, attention_head_dim=[2, 4, 4, 4], use_linear_projection=True, block_out_channels=four,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=2,
            addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=5 * 8 + 40,
        )
        pipe = StableDiffusionXLImg2ImgPipeline(
            vae=vae, unet=network, text_encoder=None, tokenizer=None, text_encoder_2=text("text_encoder_2", 40, "gelu", projection=40),
            tokenizer_2=tokenizer("!"), scheduler=EulerDiscreteScheduler(**BETAS), requires_aesthetics_score=True,
            force_zeros_for_empty_prompt=False, add_watermarker=False,
        )
    else:
        network = unet(
            cross_attention_dim=72, attention_head_dim=[2, 4, 8], use_linear_projection=True, block_out_channels=four[:3],
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=[1, 1, 2],
            addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 40,
        )
        pipe = StableDiffusionXLPipeline(
            vae=vae, unet=network, text_encoder=text("text_encoder", 32, "quick_gelu"), tokenizer=tokenizer(end),
            text_encoder_2=text("text_encoder_2", 40, "gelu", projection=40), tokenizer_2=tokenizer("!"),
            scheduler=EulerDiscreteScheduler(**BETAS), force_zeros_for_empty_prompt=True, add_watermarker=False,
        )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def save_image(image, file):
    Image.fromarray((image * 255).round().astype("uint8")).save(file, optimize=True)


def draw_five_steps(pipe, file, prompt=PROMPT, **scheduler):
    """Write the image after five steps of DDIM; crates/sd-pipeline/tests/golden/five_steps.rs draws the same."""
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = DDIMScheduler.from_config(dict(BETAS, **PUBLISHED, **scheduler, timestep_spacing="leading"))
    image = pipe(
        prompt, negative_prompt=NEGATIVE, num_inference_steps=5, width=64, height=64, output_type="np",
        generator=torch.Generator("cpu").manual_seed(42),
    ).images[0]
    save_image(image, file)
