"""Writes data/textual_inversion/, after golden.py: what diffusers draws with new words for the tiny models.

    python textual_inversion.py        (as golden.py)

The vectors are not stored but seeded by their names, as the weights are. What tests/golden/textual_inversion.rs cannot write
itself are the pickles: a file of diffusers and one of the web interface.
"""
import json
import pathlib
import tempfile

import diffusers
import torch
from diffusers import DDIMScheduler
from golden import BETAS, DATA, NEGATIVE, PUBLISHED, noise, parts
from PIL import Image
from safetensors.torch import save_file

PROMPT = "a red <house> by the sea, <Cat>"


def vectors(name, *shape):
    return (0.3 * noise(f"textual_inversion/{name}", *shape)).half().float()


def main():
    diffusers.utils.logging.set_verbosity_error()
    folder = DATA / "textual_inversion"
    folder.mkdir(exist_ok=True)
    torch.save({"<cat>": vectors("cat", 32)}, folder / "diffusers.bin")
    web = dict(string_to_token={"*": 265}, string_to_param={"*": vectors("house", 3, 32)}, name="<house>", step=500)
    torch.save(web, folder / "web.pt")
    vocabulary = len(json.loads((DATA / "tokenizer" / "vocab.json").read_text()))
    for kind in ("sd1", "sdxl"):
        pipe = parts(kind, vocabulary)
        pipe.set_progress_bar_config(disable=True)
        pipe.scheduler = DDIMScheduler.from_config(dict(BETAS, **PUBLISHED, timestep_spacing="leading"))
        if kind == "sd1":
            pipe.load_textual_inversion(str(folder / "diffusers.bin"))
            pipe.load_textual_inversion(str(folder / "web.pt"))
        else:
            for token, count in (("<cat>", 1), ("<house>", 3)):
                for name, encoder, tokenizer, width in (("clip_l", "text_encoder", "tokenizer", 32), ("clip_g", "text_encoder_2", "tokenizer_2", 40)):
                    embedding = vectors(f"{token[1:-1]}/{name}", count, width)
                    part = dict(text_encoder=getattr(pipe, encoder), tokenizer=getattr(pipe, tokenizer))
                    pipe.load_textual_inversion(embedding, token=token, **part)
        image = pipe(
            PROMPT, negative_prompt=NEGATIVE, num_inference_steps=5, width=64, height=64, output_type="np",
            generator=torch.Generator("cpu").manual_seed(42),
        ).images[0]
        Image.fromarray((image * 255).round().astype("uint8")).save(folder / f"{kind}.png", optimize=True)
        print(kind, [t.tokenize(pipe.maybe_convert_prompt(PROMPT, t)) for t in (pipe.tokenizer,)])


if __name__ == "__main__":
    main()
