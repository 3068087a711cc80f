"""Times the networks of Stable Diffusion 1.5 at 512x512 with random weights, as `networks.rs` beside it does for ours.

    networks.py pytorch|openvino f32|bf16 unet|vae|clip [FOLDER]

PyTorch needs torch, diffusers and transformers; OpenVINO needs openvino besides, and keeps what it converts in FOLDER.
Prints the network's name and the least seconds of three calls after a first one. Threads: one for each core.
"""
import os
import sys
import time

program, precision, name = sys.argv[1:4]
threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def network():
    """The module, a function of it and its inputs, and these inputs."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    if name == "unet":
        # The configuration's defaults are those of Stable Diffusion 1, but for the width of the text.
        module = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
        inputs = torch.randn(2, 4, 64, 64), torch.tensor(500.0), torch.randn(2, 77, 768)
        return module, lambda m, x, t, context: m(x, t, context, return_dict=False)[0], inputs
    if name == "vae":
        levels = (128, 256, 512, 512)
        down, up = (f"{way}coderBlock2D" for way in ("DownEn", "UpDe"))
        module = AutoencoderKL(
            block_out_channels=levels, down_block_types=(down,) * 4, up_block_types=(up,) * 4, layers_per_block=2
        )
        return module, lambda m, z: m.decode(z, return_dict=False)[0], (torch.randn(1, 4, 64, 64),)
    config = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    return CLIPTextModel(config), lambda m, ids: m(ids).last_hidden_state, (torch.randint(0, 49408, (2, 77)),)


def pytorch():
    import torch

    torch.set_num_threads(threads)
    module, run, inputs = network()
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
    module = module.to(dtype).eval()
    inputs = [x.to(dtype) if x.is_floating_point() and x.dim() else x for x in inputs]

    def call():
        with torch.inference_mode():
            run(module, *inputs)

    return call


def openvino():
    import numpy
    import openvino as ov

    folder = sys.argv[4]
    file = os.path.join(folder, f"{name}.xml")
    if not os.path.exists(file):
        import torch

        class Call(torch.nn.Module):
            def __init__(self, module, run):
                super().__init__()
                self.module, self.run = module.eval(), run

            def forward(self, *inputs):
                return self.run(self.module, *inputs)

        os.makedirs(folder, exist_ok=True)
        module, run, inputs = network()
        with torch.inference_mode():
            shapes = [list(x.shape) for x in inputs]
            converted = ov.convert_model(Call(module, run), example_input=inputs, input=shapes)
        ov.save_model(converted, file, compress_to_fp16=False)
    settings = {
        "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
    }
    request = ov.Core().compile_model(file, "CPU", settings).create_infer_request()
    random = numpy.random.default_rng(0)
    values = {
        "unet": lambda: [
            random.standard_normal((2, 4, 64, 64), "f"), numpy.array(500.0, "f"), random.standard_normal((2, 77, 768), "f")
        ],
        "vae": lambda: [random.standard_normal((1, 4, 64, 64), "f")],
        "clip": lambda: [random.integers(0, 49408, (2, 77))],
    }[name]()
    return lambda: request.infer(values)


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


call = {"pytorch": pytorch, "openvino": openvino}[program]()
call()
print(name, f"{min(seconds(call) for _ in range(3)):.3f}")
