"""Images of tiny models that stand for those made for few steps, each drawn as its authors recommend.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, peft 0.21.2, safetensors 0.8.0, pillow 13.0.0
Writes: lcm, lcm-xl, sdxs, *.png, cases.json, networks.safetensors
Test: crates/sd-pipeline/tests/golden/few_steps.rs
After: models

`lcm` and `lcm-xl` are U-Nets that read the guidance scale, `sdxs` is one without a middle and with few layers, as SDXS's. LoRA
files are those of the set `lora`. `cases.json` has the names by which the models and LoRAs are recognised.
"""
import json
import pathlib
import shutil
import sys
import tempfile

import torch
from diffusers import (
    AutoencoderTiny, DDIMScheduler, DEISMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, LCMScheduler,
    StableDiffusionPipeline, StableDiffusionXLPipeline, TCDScheduler, UNet2DConditionModel,
)
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "lora")]
import make as lora  # noqa: E402
from tiny import BETAS, PROMPT, PUBLISHED, noise, pipeline, save_image, with_seeded_weights  # noqa: E402

COMMON = dict(sample_size=8, norm_num_groups=8)
UNETS = {
    "lcm": dict(
        cross_attention_dim=32, attention_head_dim=4, block_out_channels=(16, 32, 32, 32), time_cond_proj_dim=32,
    ),
    "lcm-xl": dict(
        cross_attention_dim=72, attention_head_dim=[2, 4, 8], use_linear_projection=True, block_out_channels=(16, 32, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=[1, 1, 2],
        addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 40,
        time_cond_proj_dim=18,
    ),
    "sdxs": dict(
        cross_attention_dim=32, attention_head_dim=4, block_out_channels=(16, 32, 32), layers_per_block=1, mid_block_type=None,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    ),
}
TRAILING = dict(timestep_spacing="trailing")
DMD2 = [999, 749, 499, 249]


def unet(name):
    return with_seeded_weights("few_steps", name, UNet2DConditionModel(**COMMON, **UNETS[name]))


def tiny_vae():
    widths = (8, 8, 8, 8)
    return with_seeded_weights("vae_tiny", "vae", AutoencoderTiny(
        encoder_block_out_channels=widths, decoder_block_out_channels=widths, num_encoder_blocks=(1, 1, 2, 1), num_decoder_blocks=(2, 1, 1, 1),
    ))


def lora_file(kind, pipe, layout):
    if layout == "kohya":
        return lora.kohya("kohya", pipe, lora.sgm if kind == "sdxl" else lambda path: path)
    return lora.peft("peft", pipe, lora.LINEAR + lora.OTHERS)


@torch.no_grad()
def save_network():
    network = unet("lcm")
    outputs = {}
    for scale in (1.0, 2.5, 8.5):
        pipe = pipeline("sd1")
        w = pipe.get_guidance_scale_embedding(torch.tensor(scale - 1).repeat(2), embedding_dim=32)
        x, context = noise("x", 2, 4, 8, 12), noise("context", 2, 7, 32)
        outputs[f"guidance {scale}"] = network(x, torch.tensor([981.0, 21.0]), context, timestep_cond=w).sample
    save_file({k: v.contiguous() for k, v in outputs.items()}, HERE / "networks.safetensors")


def main():
    for old in [*HERE.glob("*.png"), HERE / "cases.json"]:
        old.unlink(missing_ok=True)
    for name in UNETS:
        shutil.rmtree(HERE / name, ignore_errors=True)
        unet(name).save_config(HERE / name)
    save_network()
    cases = {}

    def draw(case, kind, model, scheduler, steps, guidance=1.0, network=None, file=None, **call):
        """`file` is the layout and the name of a LoRA."""
        pipe = pipeline(kind)
        if network:
            changed = dict(unet=unet(network), **(dict(vae=tiny_vae()) if network == "sdxs" else {}))
            parts = {**pipe.components, **changed}
            if kind == "sd1":
                pipe = StableDiffusionPipeline(**parts, requires_safety_checker=False)
            else:
                pipe = StableDiffusionXLPipeline(**parts, force_zeros_for_empty_prompt=True, add_watermarker=False)
        pipe.set_progress_bar_config(disable=True)
        pipe.scheduler = scheduler
        if file:
            tensors = lora_file(kind, pipe, file[0])
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "lora.safetensors"
                save_file({k: v.contiguous() for k, v in tensors.items()}, path)
                pipe.load_lora_weights(str(path), adapter_name="lora")
            pipe.set_adapters(["lora"], [1.0])
        many = call.pop("timesteps", None)
        image = pipe(
            PROMPT, guidance_scale=guidance, width=64, height=64, output_type="np", generator=torch.Generator("cpu").manual_seed(42),
            **(dict(timesteps=many) if many else dict(num_inference_steps=steps)), **call,
        ).images[0]
        save_image(image, HERE / f"{case}.png")
        cases[case] = dict(kind=kind, model=model, unet=network, lora=file, sampler=case_sampler(scheduler), steps=steps, guidance=guidance)

    def case_sampler(scheduler):
        return {
            LCMScheduler: "lcm", TCDScheduler: "tcd", DDIMScheduler: "ddim", EulerDiscreteScheduler: "euler",
            EulerAncestralDiscreteScheduler: "euler-a", DEISMultistepScheduler: "deis",
        }[type(scheduler)]

    def made(Scheduler, **options):
        return Scheduler.from_config(dict(BETAS, **PUBLISHED, **options))

    lcm, tcd = (lambda: made(LCMScheduler)), (lambda: made(TCDScheduler))
    draw("lcm", "sd1", "LCM_Dreamshaper_v7", lcm(), 4, 8.5, network="lcm")
    draw("lcm-xl", "sdxl", "lcm-sdxl", lcm(), 4, 8.5, network="lcm-xl")
    draw("lcm-lora", "sd1", "v1-5", lcm(), 4, file=("kohya", "lcm-lora-sdv1-5/pytorch_lora_weights"))
    draw("lcm-lora-xl", "sdxl", "base", lcm(), 4, file=("peft", "lcm-lora-sdxl"))
    draw("turbo", "sd1", "sd_turbo", made(EulerAncestralDiscreteScheduler, **TRAILING), 1)
    draw("turbo-xl", "sdxl", "sd_xl_turbo_1.0_fp16", made(EulerAncestralDiscreteScheduler, **TRAILING), 1)
    draw("lightning-4", "sdxl", "sdxl_lightning_4step", made(EulerDiscreteScheduler, **TRAILING), 4)
    draw("lightning-2-lora", "sdxl", "base", made(EulerDiscreteScheduler, **TRAILING), 2, file=("peft", "sdxl_lightning_2step_lora"))
    draw("lightning-x0", "sdxl", "sdxl_lightning_1step_x0", made(EulerDiscreteScheduler, prediction_type="sample", **TRAILING), 1)
    draw("hyper-1", "sdxl", "Hyper-SDXL-1step-Unet", lcm(), 1, timesteps=[800])
    draw("hyper-1-lora", "sd1", "v1-5", tcd(), 1, file=("kohya", "Hyper-SD15-1step-lora"), eta=1.0)
    draw("hyper-2-lora", "sdxl", "base", made(DDIMScheduler, **TRAILING), 2, file=("kohya", "Hyper-SDXL-2steps-lora"))
    draw("hyper-guided", "sd1", "v1-5", made(DDIMScheduler, **TRAILING), 8, 5.0, file=("kohya", "Hyper-SD15-8steps-CFG-lora"))
    draw("tcd", "sdxl", "base", tcd(), 4, file=("peft", "TCD-SDXL-LoRA"), eta=0.3)
    draw("dmd2", "sdxl", "dmd2_sdxl_4step_unet", lcm(), 4, timesteps=DMD2)
    draw("pcm", "sd1", "v1-5", made(DDIMScheduler, **TRAILING), 4, file=("kohya", "pcm_sd15_smallcfg_4step_converted"))
    draw("sdxs", "sd1", "sdxs-512-0.9", made(DEISMultistepScheduler), 1, network="sdxs")
    (HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
