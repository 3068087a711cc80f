"""Small image files with texts where AUTOMATIC1111, ComfyUI and others put them, and those texts.

Reference: piexif 1.1.3, pillow 13.0.0
Writes: files, texts.json
Test: crates/sd-metadata/tests/golden/programs/mod.rs

AUTOMATIC1111's `save_image_with_geninfo` writes with Pillow and piexif, and so does this script. ComfyUI's nodes write with Pillow.
"""
import json
from pathlib import Path

import piexif
import piexif.helper
from PIL import Image, PngImagePlugin

HERE = Path(__file__).parent
FILES = HERE / "files"

LATIN = """a small house, (by the sea:1.2), café
with two lines
Negative prompt: rain, blurry
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 965400086, Size: 512x768, Model hash: 6ce0161689, \
Model: v1-5-pruned-emaonly, Denoising strength: 0.5, Clip skip: 2, Hires upscale: 2, Hires upscaler: Latent, \
Lora hashes: "ink: 0123456789ab, chalk: ba9876543210", Version: v1.10.1"""
WIDE = LATIN.replace("a small house", "光の家 😀, a house")
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 156680208700286, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
        "is_changed": [float("nan")],
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5-pruned-emaonly.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a glass bottle, 光", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
}
WORKFLOW = {"last_node_id": 9, "nodes": [], "links": []}

texts = {}


def image():
    return Image.new("RGB", (8, 6), (200, 60, 30))


def png(name, add, **more):
    info = PngImagePlugin.PngInfo()
    add(info)
    image().save(FILES / name, pnginfo=info, **more)


def automatic1111(name, text, **more):
    image().save(FILES / name, quality=80, lossless=True)
    comment = piexif.helper.UserComment.dump(text, encoding="unicode")
    piexif.insert(piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}}), str(FILES / name))
    texts[name] = {"parameters": text}


def with_exif(name, tags, found):
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    image().save(FILES / name, exif=exif, lossless=True)
    texts[name] = found


def user_comment(name, comment, text):
    exif = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})
    image().save(FILES / name, exif=exif)
    texts[name] = {"parameters": text}


def main():
    FILES.mkdir(exist_ok=True)
    for old in FILES.iterdir():
        old.unlink()
    for kind, text in [("latin", LATIN), ("wide", WIDE)]:
        png(f"a1111-{kind}.png", lambda info: info.add_text("parameters", text))
        texts[f"a1111-{kind}.png"] = {"parameters": text}
        for extension in ["jpg", "webp"]:
            automatic1111(f"a1111-{kind}.{extension}", text)
    # Other ways to say it in PNG.
    png("compressed.png", lambda info: (info.add_text("parameters", LATIN, zip=True), info.add_itxt("note", WIDE, "en", "n", zip=True)))
    texts["compressed.png"] = {"parameters": LATIN, "note": WIDE}
    # ComfyUI's SaveImage, and its nodes for WebP.
    graph, workflow = json.dumps(GRAPH), json.dumps(WORKFLOW)
    png("comfyui.png", lambda info: (info.add_text("prompt", graph), info.add_text("workflow", workflow)))
    texts["comfyui.png"] = {"prompt": graph, "workflow": workflow}
    with_exif("comfyui.webp", {0x0110: f"prompt:{graph}", 0x010F: f"workflow:{workflow}"}, {"prompt": graph, "workflow": workflow})
    with_exif("comfyui-capitals.webp", {0x010F: f"Prompt:{graph}", 0x010E: f"Workflow:{workflow}"},
              {"prompt": graph, "workflow": workflow})
    # Comments as other programs write them.
    low_first = b"UNICODE\0" + WIDE.encode("utf-16-le")
    user_comment("low-byte-first.jpg", low_first, WIDE)
    user_comment("marked.jpg", b"UNICODE\0" + b"\xff\xfe" + WIDE.encode("utf-16-le"), WIDE)
    user_comment("ascii.jpg", b"ASCII\0\0\0" + LATIN.replace("é", "e").encode("ascii"), LATIN.replace("é", "e"))
    user_comment("utf-8.jpg", WIDE.encode(), WIDE)
    image().save(FILES / "comment.jpg", comment='{"prompt": "a house"}')
    texts["comment.jpg"] = {"comment": '{"prompt": "a house"}'}
    with_exif("camera.jpg", {0x010F: "Maker", 0x0110: "Model 5", 0x0131: "A program"},
              {"Make": "Maker", "Model": "Model 5", "Software": "A program"})
    (HERE / "texts.json").write_text(json.dumps(texts, indent=1, ensure_ascii=False) + "\n")


main()
