"""Drives `sd serve` through webuiapi (PyPI), as its users do, and prints what was seen as a table.

    pip install webuiapi==0.9.17
    sd serve --port 7861 --queue 8 &
    python webuiapi_client.py 7861

The server draws with the built-in model. The exit status is 1 if anything is not as it should be.
"""

import base64
import hashlib
import io
import json
import sys
import threading
import time

import requests
import webuiapi
from PIL import Image, ImageDraw

SIZE = 64
FEW = dict(prompt="a house by the sea, night", steps=6, width=SIZE, height=SIZE, cfg_scale=3, sampler_name="Euler a")
rows, failed = [], []


def check(call, wanted, seen=""):
    """Notes what a call did, and whether it is what was wanted."""
    rows.append((call, seen, "yes" if wanted else "NO"))
    if not wanted:
        failed.append(call)


def pixels(image):
    return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()[:8]


def lists(api):
    models = api.get_sd_models()
    check("get_sd_models", bool(models) and all({"title", "model_name", "hash", "sha256", "filename", "config"} <= set(m) for m in models),
          ", ".join(m["title"] for m in models))
    names = api.util_get_sampler_names()
    check("get_samplers", {"Euler a", "DPM++ 2M", "DDIM", "UniPC"} <= set(names), f"{len(names)} names")
    names = [s["name"] for s in api.get_schedulers()]
    check("get_schedulers", {"automatic", "karras", "exponential"} <= set(names), ", ".join(names))
    check("get_upscalers", [u["name"] for u in api.get_upscalers()][:3] == ["None", "Lanczos", "Nearest"], "None, Lanczos, Nearest")
    check("get_latent_upscale_modes", [m["name"] for m in api.get_latent_upscale_modes()] == ["Latent", "Latent (antialiased)"], "2 names")
    for call in ["get_loras", "get_sd_vae", "get_hypernetworks", "get_face_restorers", "get_realesrgan_models", "get_prompt_styles"]:
        check(call, isinstance(getattr(api, call)(), list), "a list")
    check("get_embeddings", set(api.get_embeddings()) == {"loaded", "skipped"}, "loaded, skipped")
    check("get_cmd_flags", api.get_cmd_flags()["api"] is True, "api: true")
    check("get_memory", api.get_memory()["ram"]["used"] > 0, "ram, cuda")
    check("get_scripts", "controlnet" in api.get_scripts()["txt2img"] and api.has_controlnet, "webuiapi finds ControlNet")
    check("refresh_checkpoints", api.refresh_checkpoints() is None, "null")


def txt2img(api):
    result = api.txt2img(seed=7, **FEW)
    info = result.info
    check("txt2img", result.image.size == (SIZE, SIZE) and info["seed"] == 7 and info["all_seeds"] == [7], f"{SIZE} × {SIZE}")
    check("txt2img, info", info["steps"] == 6 and info["sampler_name"] == "Euler a" and info["infotexts"][0].startswith(FEW["prompt"])
          and isinstance(result.json["info"], str), "a JSON string; " + str(info["sd_model_name"]))
    check("txt2img, the same seed again", pixels(api.txt2img(seed=7, **FEW).image) == pixels(result.image), "the same pixels")
    batch = api.txt2img(seed=7, batch_size=2, n_iter=2, **FEW)
    check("txt2img, 2 × 2 images", len(batch.images) == 4 and batch.info["all_seeds"] == [7, 8, 9, 10]
          and pixels(batch.images[0]) == pixels(result.image), "seeds 7 to 10")
    varied = api.txt2img(seed=7, subseed=1, subseed_strength=0.3, batch_size=2, **FEW)
    check("txt2img, subseed", varied.info["all_seeds"] == [7, 7] and varied.info["all_subseeds"] == [1, 2]
          and len({pixels(i) for i in varied.images + [result.image]}) == 3, "seed 7, subseeds 1 and 2")
    larger = api.txt2img(seed=7, enable_hr=True, hr_scale=1.5, hr_upscaler="Lanczos", denoising_strength=0.6, **FEW)
    check("txt2img, enable_hr", larger.image.size == (96, 96), "96 × 96")
    check("txt2img, seed −1", api.txt2img(**FEW).info["seed"] != api.txt2img(**FEW).info["seed"], "two seeds")
    return result.image


def samplers(api):
    drawn, few = {}, {**FEW, "steps": 4}
    for name in api.util_get_sampler_names():
        image = api.txt2img(seed=7, **{**few, "sampler_name": name}).image
        drawn[name] = len(set(image.convert("L").tobytes()))
    flat = [name for name, shades in drawn.items() if shades < 8]
    check("txt2img, every sampler of the list", not flat, f"{len(drawn)} images" + (f", flat: {flat}" if flat else ""))
    image = api.txt2img(seed=7, **{**FEW, "sampler_name": "DPM++ 2M Karras"}).image
    again = api.txt2img(seed=7, scheduler="Karras", **{**FEW, "sampler_name": "DPM++ 2M"}).image
    check("txt2img, 'DPM++ 2M Karras'", pixels(image) == pixels(again), "as 'DPM++ 2M' with 'Karras'")


def img2img(api, image):
    result = api.img2img(images=[image], seed=3, denoising_strength=0.5, **FEW)
    check("img2img", result.image.size == image.size and pixels(result.image) != pixels(image), f"{SIZE} × {SIZE}")
    check("img2img, parameters", result.parameters["init_images"] is None, "without the image")
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).rectangle((32, 0, 63, 63), fill=255)
    for full in [False, True]:
        result = api.img2img(images=[image], mask_image=mask, mask_blur=0, inpainting_fill=1, inpaint_full_res=full, seed=3, **FEW)
        kept = result.image.crop((0, 0, 32, 64)).tobytes() == image.convert("RGB").crop((0, 0, 32, 64)).tobytes()
        changed = result.image.crop((32, 0, 64, 64)).tobytes() != image.convert("RGB").crop((32, 0, 64, 64)).tobytes()
        check(f"img2img, mask, inpaint_full_res={full}", kept and changed, "outside the mask the same bytes")


def options(api):
    before = api.get_options()
    check("get_options", before["sd_model_checkpoint"] == api.util_get_current_model(), before["sd_model_checkpoint"])
    check("set_options, all of them back", api.set_options(before) is None and api.get_options() == before, "null, and no change")
    api.set_options({"samples_format": "webp", "of_mine": [1, {"a": None}]})
    result = api.txt2img(seed=7, **FEW)
    check("set_options, samples_format", result.image.format == "WEBP" and api.get_options()["of_mine"] == [1, {"a": None}], "WEBP; unknown keys are kept")
    override = {"samples_format": "jpg"}
    result = api.txt2img(seed=7, override_settings=override, **FEW)
    check("txt2img, override_settings", result.image.format == "JPEG" and api.get_options()["samples_format"] == "webp", "JPEG, this time only")
    api.set_options({"samples_format": "png"})
    api.util_set_model(before["sd_model_checkpoint"])
    check("util_set_model", api.util_get_current_model() == before["sd_model_checkpoint"], "")


# More than are drawn together.
MANY = 12


def interrupted(api, stop, calls):
    """Draws images slowly, and calls `stop` during the second ones that are drawn together."""
    seen, result = [], []
    slow = {**FEW, "steps": 60, "sampler_name": "Euler"}
    worker = threading.Thread(target=lambda: result.append(api.txt2img(seed=1, n_iter=MANY, **slow)))
    worker.start()
    stopped = 0
    while worker.is_alive():
        progress = api.get_progress()
        seen.append(progress)
        if progress["state"]["job_no"] >= 1 and progress["current_image"] and stopped < calls:
            stop()
            stopped += 1
        time.sleep(0.02)
    worker.join()
    return result[0], seen


def progress(api):
    idle = api.get_progress()
    check("get_progress, idle", idle["progress"] == 0 and idle["state"]["job_count"] == 0 and idle["current_image"] is None, "0, job_count 0")
    result, seen = interrupted(api, api.interrupt, 1)
    values = [p["progress"] for p in seen if p["state"]["job_count"]]
    previews = [p["current_image"] for p in seen if p["current_image"]]
    check("get_progress while it draws", values == sorted(values) and 0 < values[0] < 1 and all(p["state"]["job_count"] in (0, MANY) for p in seen),
          f"{values[0]:.3f} to {values[-1]:.3f}, rising")
    shown = Image.open(io.BytesIO(base64.b64decode(previews[-1]))) if previews else None
    check("get_progress, current_image", shown is not None, f"{len(set(previews))} previews of {shown.size if shown else None}")
    check("interrupt", 1 <= len(result.images) < MANY, f"{len(result.images)} of {MANY} images come back")
    finished = len(result.images)
    result, _ = interrupted(api, api.skip, 1)
    check("skip", finished <= len(result.images) < MANY, f"{len(result.images)} of {MANY} images come back")
    api.util_wait_for_ready(check_interval=0.1)
    check("util_wait_for_ready", True, "returns")


def controlnet(api, image):
    check("controlnet_version", isinstance(api.controlnet_version(), int), str(api.controlnet_version()))
    models, modules = api.controlnet_model_list(), api.controlnet_module_list()
    check("controlnet_model_list", "scenes-edges" in models, ", ".join(models))
    check("controlnet_module_list", {"none", "canny"} <= set(modules), f"{len(modules)} names")
    detected = api.controlnet_detect([image], module="canny", processor_res=SIZE)
    shades = set(detected.image.convert("L").tobytes())
    check("controlnet_detect", detected.info == "Success" and shades <= {0, 255}, "white edges on black")
    plain = api.txt2img(seed=9, **FEW).image
    unit = webuiapi.ControlNetUnit(image=image, module="canny", model="scenes-edges", weight=1.0, threshold_a=100, threshold_b=200)
    steered = api.txt2img(seed=9, controlnet_units=[unit], **FEW)
    check("txt2img, ControlNetUnit", pixels(steered.image) != pixels(plain), "another image")
    off = webuiapi.ControlNetUnit(image=image, module="canny", model="scenes-edges", enabled=False)
    check("txt2img, a unit that is off", pixels(api.txt2img(seed=9, controlnet_units=[off], **FEW).image) == pixels(plain), "the same pixels")
    check("txt2img after one with units", pixels(api.txt2img(seed=9, **FEW).image) == pixels(plain), "the same pixels")
    inner = api.img2img(images=[image], controlnet_units=[unit], seed=9, **FEW)
    check("img2img, ControlNetUnit", inner.image.size == image.size, f"{SIZE} × {SIZE}")


def files(api, image):
    result = api.extra_single_image(image=image, upscaler_1="Lanczos", upscaling_resize=2)
    check("extra_single_image", result.image.size == (2 * SIZE, 2 * SIZE), "128 × 128")
    result = api.extra_single_image(image=image, resize_mode=1, upscaler_1="Nearest", upscaling_resize_w=100, upscaling_resize_h=60)
    check("extra_single_image, to a size", result.image.size == (100, 60), "100 × 60, cut")
    result = api.extra_batch_images(images=[image, image], upscaler_1="Lanczos", upscaling_resize=1.5)
    check("extra_batch_images", [i.size for i in result.images] == [(96, 96)] * 2, "2 images")
    read = api.png_info(image)
    check("png_info", read.info.startswith(FEW["prompt"]) and read.parameters["Steps"] == "6" and read.parameters["Size-1"] == str(SIZE),
          read.info.splitlines()[-1][:60] + "…")


def errors(api):
    def status(call):
        try:
            call()
        except RuntimeError as error:
            return error.args[0], json.loads(error.args[1])
        return 200, {}

    code, body = status(lambda: api.txt2img(**{**FEW, "sampler_name": "Eulerian"}))
    check("txt2img, an unknown sampler", code == 400 and body["detail"].startswith("Sampler not found"), str(code))
    code, body = status(lambda: api.txt2img(script_name="X/Y/Z plot", **FEW))
    check("txt2img, an unknown script", code == 422 and body["detail"] == "Script 'X/Y/Z plot' not found", str(code))
    code, body = status(lambda: api.txt2img(**{**FEW, "steps": "many"}))
    check("txt2img, steps that are no number", code == 422 and body["detail"][0]["loc"] == ["body", "steps"], f"{code}, with the place of the field")
    code, body = status(lambda: api.img2img(images=[], **FEW))
    check("img2img, no image", code == 404 and body["detail"] == "Init image not found", str(code))
    code = requests.get(f"{api.baseurl}/nothing").status_code
    check("an unknown address", code == 404, str(code))


def main():
    api = webuiapi.WebUIApi(port=int(sys.argv[1]) if len(sys.argv) > 1 else 7860)
    lists(api)
    image = txt2img(api)
    samplers(api)
    img2img(api, image)
    options(api)
    progress(api)
    controlnet(api, image)
    files(api, image)
    errors(api)
    print("| call | seen | right |\n|---|---|---|")
    for call, seen, right in rows:
        print(f"| {call} | {seen} | {right} |")
    print(f"\n{len(rows)} checks, {len(failed)} failed" + (f": {', '.join(failed)}" if failed else ""))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
