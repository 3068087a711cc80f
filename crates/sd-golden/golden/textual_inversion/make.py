"""Images drawn with textual inversions, and the pickles that diffusers and the web interface write for them.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, pillow 13.0.0
Writes: *.png, diffusers.bin, web.pt
Test: crates/sd-pipeline/tests/golden/textual_inversion.rs
After: models

The vectors are not stored: like the weights, they are seeded by their names. The pickles are stored because the test cannot write
them.
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import draw_five_steps, noise, pipeline

HERE = pathlib.Path(__file__).parent
PROMPT = "a red <house> by the sea, <Cat>"


def vectors(name, *shape):
    return (0.3 * noise(f"textual_inversion/{name}", *shape)).half().float()


def main():
    torch.save({"<cat>": vectors("cat", 32)}, HERE / "diffusers.bin")
    web = dict(string_to_token={"*": 265}, string_to_param={"*": vectors("house", 3, 32)}, name="<house>", step=500)
    torch.save(web, HERE / "web.pt")
    for kind in ("sd1", "sdxl"):
        pipe = pipeline(kind)
        if kind == "sd1":
            pipe.load_textual_inversion(str(HERE / "diffusers.bin"))
            pipe.load_textual_inversion(str(HERE / "web.pt"))
        else:
            for token, count in (("<cat>", 1), ("<house>", 3)):
                for name, encoder, tokenizer, width in (("clip_l", "text_encoder", "tokenizer", 32), ("clip_g", "text_encoder_2", "tokenizer_2", 40)):
                    embedding = vectors(f"{token[1:-1]}/{name}", count, width)
                    part = dict(text_encoder=getattr(pipe, encoder), tokenizer=getattr(pipe, tokenizer))
                    pipe.load_textual_inversion(embedding, token=token, **part)
        draw_five_steps(pipe, HERE / f"{kind}.png", PROMPT)
        print(kind, [t.tokenize(pipe.maybe_convert_prompt(PROMPT, t)) for t in (pipe.tokenizer,)])


if __name__ == "__main__":
    main()
