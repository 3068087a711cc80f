"""Four tiny models without weights: images with every sampler, and the outputs of each network.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, safetensors 0.8.0, pillow 13.0.0
Writes: tokenizer, sd1, sd2v, sdxl, ddpm
Test: crates/sd-pipeline/tests/golden/images.rs, crates/sd-clip/tests/golden/networks.rs,
    crates/sd-unet/tests/golden/networks.rs, crates/sd-vae/tests/golden/networks.rs

Other sets use the vocabulary that this one writes.
"""
import json
import pathlib
import shutil
import sys

import torch
from diffusers import (
    DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, DEISMultistepScheduler, DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, HeunDiscreteScheduler, KDPM2AncestralDiscreteScheduler,
    KDPM2DiscreteScheduler, LCMScheduler, LMSDiscreteScheduler, PNDMScheduler, SASolverScheduler, TCDScheduler, UNet2DModel,
    UniPCMultistepScheduler,
)
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import BETAS, NEGATIVE, PROMPT, PUBLISHED, TOKENIZER, noise, pipeline, save_image, with_seeded_weights

HERE = pathlib.Path(__file__).parent
SAMPLERS = {
    "ddim": lambda c: DDIMScheduler.from_config(c),
    "plms": lambda c: PNDMScheduler.from_config(c, skip_prk_steps=True),
    "pndm": lambda c: PNDMScheduler.from_config(c, skip_prk_steps=False),
    "ddpm": lambda c: DDPMScheduler.from_config(c, variance_type="fixed_small"),
    "euler": lambda c: EulerDiscreteScheduler.from_config(c),
    "euler-a": lambda c: EulerAncestralDiscreteScheduler.from_config(c),
    "heun": lambda c: HeunDiscreteScheduler.from_config(c),
    "dpm2": lambda c: KDPM2DiscreteScheduler.from_config(c),
    "dpm2-a": lambda c: KDPM2AncestralDiscreteScheduler.from_config(c),
    "lms": lambda c: LMSDiscreteScheduler.from_config(c),
    "dpm++2m": lambda c: DPMSolverMultistepScheduler.from_config(c),
    "unipc": lambda c: UniPCMultistepScheduler.from_config(c),
    "deis": lambda c: DEISMultistepScheduler.from_config(c),
    "sa-solver": lambda c: SASolverScheduler.from_config(c),
    "lcm": lambda c: LCMScheduler.from_config(c),
    "tcd": lambda c: TCDScheduler.from_config(c),
}
FIRST = ("ddim", "plms", "pndm", "ddpm")
EVERYWHERE = ("euler", "euler-a", "heun", "dpm2", "lms", "dpm++2m", "unipc", "deis")
GRIDS = {"karras": "use_karras_sigmas", "exponential": "use_exponential_sigmas", "beta-sigmas": "use_beta_sigmas"}


def write_tokenizer(folder):
    """Write a vocabulary of letters, letters at the end of a word, four merges and the two special tokens."""
    folder.mkdir(parents=True)
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in printable] + [chr(256 + n) for n in range(256 - len(printable))]
    merges = [("t", "h"), ("th", "e</w>"), ("h", "o"), ("ho", "u")]
    words = letters + [c + "</w>" for c in letters] + ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(map(" ".join, merges)) + "\n")


def save_configs(kind, pipe, folder):
    """Save the JSON files of the folder, with the scheduler's config as in the published repositories."""
    pipe.save_pretrained(folder)
    for path in sorted(folder.rglob("*"), reverse=True):
        keep = path.name == "model_index.json" or path.name == "config.json"
        path.rmdir() if path.is_dir() and not any(path.iterdir()) else path.is_file() and not keep and path.unlink()
    config = dict(BETAS, _class_name=type(pipe.scheduler).__name__, **PUBLISHED)
    leading = dict(timestep_spacing="leading")
    config |= {"sd1": {}, "sd2v": dict(prediction_type="v_prediction"), "sdxl": leading, "refiner": leading}[kind]
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(config, indent=2) + "\n")
    for name in ("tokenizer", "tokenizer_2"):
        if getattr(pipe, name, None) is not None:
            (folder / name).mkdir()
            tokens = dict(bos_token="<|startoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>")
            tokens["pad_token"] = getattr(pipe, name).pad_token
            (folder / name / "special_tokens_map.json").write_text(json.dumps(tokens, indent=2) + "\n")
    return config


@torch.no_grad()
def save_network_outputs(kind, pipe, folder):
    outputs = {}
    for part in ("text_encoder", "text_encoder_2"):
        encoder = getattr(pipe, part, None)
        if encoder is not None:
            ids = pipe.tokenizer([PROMPT, NEGATIVE], padding="max_length", max_length=77, return_tensors="pt").input_ids
            out = encoder(ids, output_hidden_states=True)
            outputs[f"{part}.last"] = out.last_hidden_state[:, :12]
            outputs[f"{part}.penultimate"] = out.hidden_states[-2][:, :12]
            outputs[f"{part}.pooled"] = out[0] if part == "text_encoder_2" else out.pooler_output
    width = pipe.unet.config.cross_attention_dim
    added = dict(text_embeds=noise("text_embeds", 2, 40), time_ids=torch.tensor([[64.0, 96, 0, 8, 64, 96]] * 2))
    outputs["unet"] = pipe.unet(
        noise("x", 2, 4, 8, 12), torch.tensor([981.0, 21.0]), noise("context", 2, 7, width),
        added_cond_kwargs=added if kind == "sdxl" else None,
    ).sample
    outputs["vae.decode"] = pipe.vae.decode(noise("z", 1, 4, 4, 6)).sample
    posterior = pipe.vae.encode(noise("image", 1, 3, 16, 24)).latent_dist
    outputs["vae.mean"], outputs["vae.std"] = posterior.mean, posterior.std
    save_file({k: v.contiguous() for k, v in outputs.items()}, folder / "networks.safetensors")


def save_images(kind, pipe, config, folder):
    cases = {}

    def draw(name, sampler, steps, seed=42, width=64, guidance=7.5, negative=NEGATIVE, eta=0.0, schedule=None, **changed):
        grid = {GRIDS[schedule]: True} if schedule else {}
        # The pipeline passes eta to TCD too, which takes it as its gamma; 0.3 is TCD's default.
        share = 0.3 if sampler == "tcd" else eta
        pipe.scheduler = SAMPLERS[sampler](dict(config, **changed, **grid))
        image = pipe(
            PROMPT, negative_prompt=negative, num_inference_steps=steps, guidance_scale=guidance, width=width, height=64, eta=share,
            generator=torch.Generator("cpu").manual_seed(seed), output_type="np",
        ).images[0]
        save_image(image, folder / f"{name}.png")
        cases[name] = dict(
            prompt=PROMPT, negative=negative, sampler=sampler, steps=steps, seed=seed, width=width, height=64, guidance=guidance, eta=eta,
        )
        # Omit defaults.
        cases[name] |= {k: v for k, v in dict(schedule=schedule, config=changed).items() if v}

    for sampler in FIRST + EVERYWHERE:
        draw(f"{sampler}-10", sampler, 10)
    draw("dpm++2m-karras-10", "dpm++2m", 10, schedule="karras")
    if kind == "sd1":
        draw("dpm++2m-20", "dpm++2m", 20)
        draw("euler-exponential-7", "euler", 7, schedule="exponential")
        draw("heun-beta-7", "heun", 7, schedule="beta-sigmas")
        draw("dpm2-a-10", "dpm2-a", 10)
        draw("sa-solver-10", "sa-solver", 10)
        draw("lcm-4", "lcm", 4)
        draw("tcd-4", "tcd", 4)
        draw("unipc-order3-10", "unipc", 10, solver_order=3)
        draw("euler-trailing-7", "euler", 7, timestep_spacing="trailing")
        draw("dpm++2m-leading-7", "dpm++2m", 7, timestep_spacing="leading")
    if kind == "sd2v":
        pure = dict(rescale_betas_zero_snr=True, timestep_spacing="trailing")
        draw("ddim-zero-snr-10", "ddim", 10, **pure)
        draw("euler-zero-snr-10", "euler", 10, **pure)
    draw("ddim-7", "ddim", 7)
    draw("plms-7", "plms", 7)
    draw("ddim-10-eta1", "ddim", 10, eta=1.0)
    draw("ddim-10-no-guidance", "ddim", 10, seed=7, width=96, guidance=1.0, negative=None)
    draw("ddim-10-no-negative", "ddim", 10, negative=None)
    (folder / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


def write_ddpm(model, expected):
    """Write a pixel model as in the DDPM paper, and the outputs of a second network that differs wherever it can."""
    options = dict(sample_size=32, norm_num_groups=8, block_out_channels=(16, 32, 32))
    network = with_seeded_weights("ddpm", "unet", UNet2DModel(
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=None, downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6, **options,
    ))
    later = with_seeded_weights("ddpm", "later", UNet2DModel(
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        layers_per_block=1, add_attention=False, **options,
    ))
    with torch.no_grad():
        x, t = noise("x", 2, 3, 32, 16), torch.tensor([981.0, 21.0])
        outputs = dict(unet=network(x, t).sample, later=later(x, t).sample)
    save_file({k: v.contiguous() for k, v in outputs.items()}, expected / "networks.safetensors")
    DDPMPipeline(network, DDPMScheduler()).save_pretrained(model, safe_serialization=True)
    (model / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    cases = {}

    def draw(name, sampler, steps, seed=42, eta=0.0, **changed):
        Scheduler, Pipeline = (DDIMScheduler, DDIMPipeline) if sampler == "ddim" else (DDPMScheduler, DDPMPipeline)
        pipe = Pipeline(network, Scheduler(**changed))
        pipe.set_progress_bar_config(disable=True)
        generator = torch.Generator("cpu").manual_seed(seed)
        image = pipe(num_inference_steps=steps, generator=generator, output_type="np", **(dict(eta=eta) if eta else {})).images[0]
        save_image(image, expected / f"{name}.png")
        cases[name] = dict(sampler=sampler, steps=steps, seed=seed, width=32, height=32)
        cases[name] |= {k: v for k, v in dict(eta=eta, config=changed).items() if v}

    draw("ddpm-10", "ddpm", 10)
    draw("ddpm-50", "ddpm", 50, seed=7)
    draw("ddpm-large-10", "ddpm", 10, variance_type="fixed_large")
    draw("ddpm-v-unclipped-10", "ddpm", 10, prediction_type="v_prediction", clip_sample=False)
    draw("ddpm-range-10", "ddpm", 10, clip_sample_range=0.5)
    # With these betas, more than one timestep lies beyond the level that stands for pure noise.
    pure = dict(rescale_betas_zero_snr=True, prediction_type="v_prediction")
    draw("ddpm-zero-snr-1000", "ddpm", 1000, **pure)
    draw("ddim-zero-snr-500", "ddim", 500, timestep_spacing="trailing", **pure)
    draw("ddim-7", "ddim", 7)
    draw("ddim-10", "ddim", 10)
    draw("ddim-10-eta1", "ddim", 10, eta=1.0)
    draw("ddim-v-10", "ddim", 10, prediction_type="v_prediction")
    draw("ddim-v-unclipped-10", "ddim", 10, prediction_type="v_prediction", clip_sample=False)
    (expected / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


def main():
    for name in ("tokenizer", "sd1", "sd2v", "sdxl", "ddpm"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    write_tokenizer(TOKENIZER)
    for kind in ("sd1", "sd2v", "sdxl"):
        pipe = pipeline(kind)
        model, expected = HERE / kind / "model", HERE / kind / "expected"
        expected.mkdir(parents=True)
        config = save_configs(kind, pipe, model)
        save_network_outputs(kind, pipe, expected)
        save_images(kind, pipe, config, expected)
    folders = HERE / "ddpm" / "model", HERE / "ddpm" / "expected"
    folders[1].mkdir(parents=True)
    write_ddpm(*folders)


if __name__ == "__main__":
    main()
