"""What sd-parsers and sd-prompt-reader read of the image files that this library writes.

Reference: sd-parsers 0.6, sd-prompt-reader 1.3.5, pillow 13.0.0, piexif 1.1.3
Writes: read.json
Test: crates/sd-metadata/tests/golden/readers/mod.rs

The files are in the folder `ours`, where the test writes them if the environment variable `WRITE_OURS` is set. CivitAI's page
reads with `automatic.metadata.ts`; its rules are in the test.
"""
import json
import logging
from pathlib import Path

from sd_parsers import ParserManager
from sd_prompt_reader.image_data_reader import ImageDataReader

HERE = Path(__file__).parent
OURS = HERE.parent / "ours"
logging.disable()


def parsers(file):
    info = ParserManager().parse(file)
    sampler = info.samplers[0]
    return {
        "generator": info.generator.value,
        "prompt": [prompt.value for prompt in sampler.prompts],
        "negative": [prompt.value for prompt in sampler.negative_prompts],
        "sampler": sampler.name,
        "parameters": sampler.parameters,
        "model": [sampler.model.name, sampler.model.hash] if sampler.model else None,
        "others": info.metadata,
    }


def prompt_reader(file):
    with open(file, "rb") as opened:
        data = ImageDataReader(opened)
    return {
        "status": data.status.name,
        "tool": data.tool,
        "prompt": data.positive,
        "negative": data.negative,
        "settings": data.setting,
        "parameters": data.parameter,
        "size": [data.width, data.height],
    }


def main():
    files = sorted(OURS.iterdir())
    read = {file.name: {"sd-parsers": parsers(file), "sd-prompt-reader": prompt_reader(file)} for file in files}
    (HERE / "read.json").write_text(json.dumps(read, indent=1, ensure_ascii=False) + "\n")


main()
