"""Times the networks of Stable Diffusion with random weights in other programs, as `networks.rs` does for sd-burn.

    networks.py pytorch|openvino|cuda|compiled f32|tf32|f16|bf16 unet|control|vae|clip|unet-xl|vae-xl|clip-xl|esrgan|esrgan-256
        [FOLDER]
    networks.py sd.cpp q8_0 unet FILE

`pytorch` and `openvino` run on the CPU, in f32 and bf16. `cuda` and `compiled` are PyTorch on a GPU, without and with
torch.compile. All need torch, diffusers and transformers; ESRGAN needs torch and spandrel. OpenVINO also needs openvino, stores
converted networks in FOLDER, and does not run `control` and ESRGAN. Prints the network's name and the shortest time of three calls in
seconds (of one for `unet-xl`), after a first call that is not timed. There is one thread for each core.

`sd.cpp` is stable-diffusion.cpp (the package stable-diffusion-cpp-python), with the model FILE: its guided steps are timed.
"""
import os
import sys
import time

program, precision, name = sys.argv[1:4]
threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def network():
    """Returns the module, a function of it and its inputs, and these inputs."""
    import torch

    torch.manual_seed(0)
    if name.startswith("esrgan"):
        from spandrel.architectures.ESRGAN import ESRGAN

        return ESRGAN(), lambda m, x: m(x), (torch.rand(1, 3, *[256 if name.endswith("256") else 128] * 2),)
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    if name == "unet":
        # The configuration's defaults are those of Stable Diffusion 1, except the width of the text.
        module = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
        inputs = torch.randn(2, 4, 64, 64), torch.tensor(500.0), torch.randn(2, 77, 768)
        return module, lambda m, x, t, context: m(x, t, context, return_dict=False)[0], inputs
    if name == "control":
        from diffusers import ControlNetModel

        class Step(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
                self.control = ControlNetModel(cross_attention_dim=768, attention_head_dim=8)

            def forward(self, x, t, context, image):
                skips, mid = self.control(x, t, context, image, return_dict=False)
                return self.unet(
                    x, t, context, down_block_additional_residuals=skips, mid_block_additional_residual=mid, return_dict=False
                )[0]

        inputs = torch.randn(2, 4, 64, 64), torch.tensor(500.0), torch.randn(2, 77, 768), torch.rand(2, 3, 512, 512)
        return Step(), lambda m, *inputs: m(*inputs), inputs
    if name == "unet-xl":
        plain, attending = (f"CrossAttn{way}Block2D" for way in ("Down", "Up"))
        module = UNet2DConditionModel(
            sample_size=128, cross_attention_dim=2048, attention_head_dim=(5, 10, 20), use_linear_projection=True,
            block_out_channels=(320, 640, 1280), transformer_layers_per_block=(1, 2, 10),
            down_block_types=("DownBlock2D", plain, plain), up_block_types=(attending, attending, "UpBlock2D"),
            addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
        )
        inputs = torch.randn(2, 4, 128, 128), torch.tensor(500.0), torch.randn(2, 77, 2048), torch.randn(2, 1280)
        sizes = torch.tensor([[1024.0, 1024, 0, 0, 1024, 1024]] * 2)

        def run(m, x, t, context, pooled):
            added = {"text_embeds": pooled, "time_ids": sizes.to(x.device)}
            return m(x, t, context, added_cond_kwargs=added, return_dict=False)[0]

        return module, run, inputs
    if name in ("vae", "vae-xl"):
        levels = (128, 256, 512, 512)
        down, up = (f"{way}coderBlock2D" for way in ("DownEn", "UpDe"))
        module = AutoencoderKL(
            block_out_channels=levels, down_block_types=(down,) * 4, up_block_types=(up,) * 4, layers_per_block=2
        )
        return module, lambda m, z: m.decode(z, return_dict=False)[0], (torch.randn(1, 4, *[64 if name == "vae" else 128] * 2),)
    config = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    if name == "clip-xl":
        config = CLIPTextConfig(
            hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20, hidden_act="gelu"
        )
    return CLIPTextModel(config), lambda m, ids: m(ids).last_hidden_state, (torch.randint(0, 49408, (2, 77)),)


def pytorch(device="cpu", compiled=False):
    import torch

    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    # Draws billions of random weights on the device that uses them.
    with torch.device(device):
        module, run, inputs = network()
    dtype = {"f32": torch.float32, "tf32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[precision]
    module = module.to(device, dtype).eval()
    inputs = [x.to(device, dtype) if x.is_floating_point() and x.dim() else x.to(device) for x in inputs]
    if compiled:
        module = torch.compile(module)

    def call():
        with torch.inference_mode():
            run(module, *inputs)
        if device == "cuda":
            torch.cuda.synchronize()

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
        if name == "unet-xl":
            # In single precision, this and the converted copy would take 21 GB.
            from openvino.frontend.pytorch.patch_model import __make_16bit_traceable

            module = module.half()
            __make_16bit_traceable(module)
        with torch.inference_mode():
            shapes = [list(x.shape) for x in inputs]
            converted = ov.convert_model(Call(module, run), example_input=inputs, input=shapes)
        ov.save_model(converted, file, compress_to_fp16=name == "unet-xl")
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
        "unet-xl": lambda: [
            random.standard_normal((2, 4, 128, 128), "f"), numpy.array(500.0, "f"),
            random.standard_normal((2, 77, 2048), "f"), random.standard_normal((2, 1280), "f"),
        ],
        "vae": lambda: [random.standard_normal((1, 4, 64, 64), "f")],
        "vae-xl": lambda: [random.standard_normal((1, 4, 128, 128), "f")],
        "clip": lambda: [random.integers(0, 49408, (2, 77))],
        "clip-xl": lambda: [random.integers(0, 49408, (2, 77))],
    }[name]()
    return lambda: request.infer(values)


def sd_cpp():
    """Prints the shortest of four steps after a first one: the program has no single calls of its networks."""
    from stable_diffusion_cpp import StableDiffusion

    ends = []
    model = StableDiffusion(model_path=sys.argv[4], n_threads=threads, verbose=False)
    model.generate_image(
        prompt="a house by the sea", cfg_scale=7.5, width=512, height=512, sample_method="euler", sample_steps=5,
        progress_callback=lambda *_: ends.append(time.perf_counter()),
    )
    steps = [after - before for before, after in zip(ends, ends[1:])]
    print(name, f"{min(steps):.3f}")


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


programs = {
    "pytorch": pytorch, "openvino": openvino, "cuda": lambda: pytorch("cuda"), "compiled": lambda: pytorch("cuda", True)
}
if program == "sd.cpp":
    sys.exit(sd_cpp())
call = programs[program]()
call()
print(name, f"{min(seconds(call) for _ in range(1 if name == 'unet-xl' else 3)):.3f}")
