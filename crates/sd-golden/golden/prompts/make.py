"""Prompts in the syntax of AUTOMATIC1111 and ComfyUI: their tokens, weights and chunks, and the embeddings of tiny models.

Reference: torch 2.8.0, diffusers 0.42.1, transformers 5.23.0, safetensors 0.8.0
Writes: cases.json, embeddings.safetensors
Test: crates/sd-pipeline/tests/golden/prompts.rs
After: models

The models are those of the set `models`. Tokens and hidden states are those of transformers; grammar, chunks and weights are worked out
here, and for short prompts without weights the result is checked against diffusers. `cases.json` has the tokens of each chunk, without
those that every chunk has. `embeddings.safetensors` has, under `model/clip skip/case`, the rows of the embedding times two seeded
directions, which every value counts in, and the pooled vector whole.

With every weight changed by a relative 2e-6, the embeddings change by at most 1.2e-4 of their size.
"""
import functools
import json
import pathlib
import re
import sys

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from tiny import noise, pipeline

HERE = pathlib.Path(__file__).parent
CHUNK, BACKTRACK = 75, 20
BREAK = "BREAK"


# The grammars: a prompt becomes pieces of text, each with its weight. A break is a piece without weight.


def parse_a1111(prompt):
    """Return the pieces of a prompt of AUTOMATIC1111.

    A bracket multiplies the weights of all that stands between it and its partner; round and square ones may overlap.
    """
    pieces, ranges = [], []
    opened = {"(": [], "[": []}

    def close(kind, factor):
        ranges.append((opened[kind].pop(), len(pieces), factor))

    at = 0
    while at < len(prompt):
        weight = re.compile(r":\s*([+-]?[.\d]+)\s*\)").match(prompt, at)
        char = prompt[at]
        at += 1
        if char == "\\":
            # Makes a bracket plain text; before anything else it vanishes, but still ends the piece before it.
            escaped = re.compile(r"[()\[\]\\]?").match(prompt, at)[0]
            pieces.append(escaped)
            at += len(escaped)
        elif char in opened:
            opened[char].append(len(pieces))
        elif weight and opened["("]:
            close("(", float(weight[1]))
            at = weight.end()
        elif char == ")" and opened["("]:
            close("(", 1.1)
        elif char == "]" and opened["["]:
            close("[", 1 / 1.1)
        elif weight:
            pieces.append(weight[0])
            at = weight.end()
        elif char in ")]:":
            pieces.append(char)
        else:
            end = re.compile(r"[\\()\[\]:]|$").search(prompt, at).start()
            # The text between breaks, and the breaks themselves.
            for number, text in enumerate(re.split(r"\s*\bBREAK\b\s*", prompt[at - 1 : end])):
                pieces += [None, text] if number else [text]
            at = end
    for kind, factor in (("(", 1.1), ("[", 1 / 1.1)):
        for start in opened[kind]:
            ranges.append((start, len(pieces), factor))

    weighted = []
    for index, text in enumerate(pieces):
        weight, is_break = (1.0, False) if text is not None else (-1.0, True)
        for start, end, factor in ranges:
            weight *= factor if start <= index < end else 1
        if is_break and weight == -1:
            weighted.append((None, None))
        elif weighted and weighted[-1][1] == weight:
            weighted[-1] = (weighted[-1][0] + (BREAK if is_break else text), weight)
        else:
            # A break in weighted brackets is the word itself.
            weighted.append((BREAK if is_break else text, weight))
    return weighted


def parse_comfy(prompt):
    """Return the pieces of a prompt of ComfyUI: a weight in brackets replaces that of the brackets around it."""
    marks = {"\\(": "\uE000", "\\)": "\uE001"}
    for escaped, mark in marks.items():
        prompt = prompt.replace(escaped, mark)

    def groups(text):
        """Split before each bracket that opens a group, and behind the one that closes it."""
        depth, start = 0, 0
        for at, char in enumerate(text):
            if char == "(":
                if depth == 0:
                    yield text[start:at]
                    start = at
                depth += 1
            elif char == ")":
                depth -= 1
                if depth == 0:
                    yield text[start : at + 1]
                    start = at + 1
        yield text[start:]

    def weigh(text, weight):
        for group in filter(None, groups(text)):
            if len(group) < 2 or group[0] != "(" or group[-1] != ")":
                yield group, weight
                continue
            inner, number = group[1:-1], None
            head, colon, tail = inner.rpartition(":")
            if head:
                try:
                    inner, number = head, float(tail)
                except ValueError:
                    inner, number = group[1:-1], None
            yield from weigh(inner, weight * 1.1 if number is None else number)

    for text, weight in weigh(prompt, 1.0):
        for escaped, mark in marks.items():
            text = text.replace(mark, escaped[1])
        yield text, weight


# Chunks: lists of at most 75 tokens, each with its weight.


def chunk_a1111(prompt, tokenizer):
    comma = tokenizer.convert_tokens_to_ids(",</w>")
    runs = [[]]
    for text, weight in parse_a1111(prompt):
        if text is None:
            runs.append([])
        else:
            runs[-1] += [(token, weight) for token in tokenizer(text, add_special_tokens=False).input_ids]
    chunks = []
    for index, run in enumerate(runs):
        while len(run) > CHUNK:
            end = CHUNK
            commas = [at for at in range(CHUNK - BACKTRACK, CHUNK) if run[at][0] == comma]
            if commas and run[CHUNK][0] != comma:
                end = commas[-1] + 1
            chunks.append(run[:end])
            run = run[end:]
        # Nothing behind the last break is no chunk.
        if run or index + 1 < len(runs) or not chunks:
            chunks.append(run)
    return chunks


def chunk_comfy(prompt, tokenizer):
    chunks = [[]]
    for text, weight in parse_comfy(prompt):
        piece = [(token, weight) for token in tokenizer(text, add_special_tokens=False).input_ids]
        is_cut = len(piece) >= 8
        while len(piece) > CHUNK - len(chunks[-1]):
            room = CHUNK - len(chunks[-1]) if is_cut else 0
            chunks[-1] += piece[:room]
            piece = piece[room:]
            chunks.append([])
        chunks[-1] += piece
    return chunks


CHUNKS = {"a1111": chunk_a1111, "comfy": chunk_comfy}


# Embeddings


@functools.cache
def model(kind):
    pipe = pipeline(kind)
    # Where diffusers looks for the final norm.
    object.__setattr__(pipe.text_encoder, "text_model", pipe.text_encoder)
    return pipe


def hidden_states(encoder, tokenizer, ids, clip_skip, normed):
    """Return the states of one chunk, and what is pooled from it."""
    ids = [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id]
    ids += [tokenizer.pad_token_id] * (77 - len(ids))
    out = encoder(torch.tensor([ids]), output_hidden_states=True)
    states = out.hidden_states[-clip_skip]
    return (encoder.final_layer_norm(states) if normed else states)[0], out[0][0]


def weighted(states, empty, weights, syntax):
    """Apply the weights to the states of a chunk, in double precision."""
    states, empty = states.double(), empty.double()
    weights = torch.tensor([1.0, *weights, *[1.0] * (76 - len(weights))], dtype=torch.float64)[:, None]
    if syntax == "comfy":
        return ((states - empty) * weights + empty).float()
    scaled = states * weights
    # The mean over all tokens of the chunk, also those that every chunk has, and over all channels.
    ratio = (states.mean() / scaled.mean()).item()
    if (weights != 1).any():
        # The means of these models' states are small. Prompts that make them nearly zero would test rounding.
        assert 0.2 < ratio < 5 and scaled.std() < 1000 * scaled.mean().abs(), "choose another prompt"
    return (scaled * ratio).float()


@torch.no_grad()
def embed(kind, syntax, prompt, clip_skip=None):
    """Return the embedding of a prompt, `[1, 77 · chunks, width]`, and of XL models the pooled vector, `[1, width]`, else none."""
    pipe, is_xl = model(kind), kind == "sdxl"
    clip_skip = max(clip_skip or 1, 2 if is_xl else 1)
    if syntax == "plain":
        return embed_plain(kind, prompt, clip_skip)
    parts, pooled = [], None
    for name in ("text_encoder", "text_encoder_2")[: 2 if is_xl else 1]:
        encoder, tokenizer = getattr(pipe, name), getattr(pipe, name.replace("text_encoder", "tokenizer"))
        states = functools.partial(hidden_states, encoder, tokenizer, clip_skip=clip_skip, normed=not is_xl)
        rows, empty = [], states([])[0]
        for number, chunk in enumerate(CHUNKS[syntax](prompt, tokenizer)):
            found, first = states([token for token, _ in chunk])
            rows.append(weighted(found, empty, [weight for _, weight in chunk], syntax))
            if name == "text_encoder_2" and number == 0:
                pooled = first[None]
        parts.append(torch.cat(rows))
    return torch.cat(parts, -1)[None], pooled


def embed_plain(kind, prompt, clip_skip):
    """The same with diffusers, which cuts long prompts."""
    common = dict(device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False)
    if kind == "sdxl":
        context, _, pooled, _ = model(kind).encode_prompt(prompt, clip_skip=clip_skip - 2 or None, **common)
        return context, pooled
    return model(kind).encode_prompt(prompt, clip_skip=clip_skip - 1 or None, **common)[0], None


# Cases

SEA = "a red house by the sea"
WORDS = "wooden boats lie on the sand under a grey sky while gulls cry and the tide comes in slowly at the end of a long day"
PROMPTS = {
    "plain": {
        "short": SEA,
        "cut": f"{SEA} {WORDS}",
    },
    "a1111": {
        "plain": SEA,
        "empty": "",
        "weights": "a (red:1.4) house by the (sea)",
        "less": "a [red] house by (the:0.7) [[sea]]",
        "nested": "a ((red) house:1.3) [by (the sea:1.2)]",
        "zero": "a red house by (the:0) sea",
        "negative-weight": "a red house by (the:-0.5) sea",
        "escaped": r"a red \(house\) by \[the\] (sea \(side\):1.2) \\ \x",
        "unclosed": "a (red house [by the sea",
        "unopened": "a red) house] by the sea:1.2)",
        "overlapping": "a (red [house) by] the sea",
        "colons": "a (red:house) (by:the:1.3) (sea:x) view: wide",
        "signs": "a (red:+1.2) house ( by : .8 ) the (sea:1.)",
        "inside-word": "ho(us:1.3)e",
        "whitespace": "  a\tred\n\nhouse ,  by (the :1.1)   sea ",
        "letters": "A Réd house, 海辺 — 4 × THE sea!",
        "fits-exactly": "x" * 75,
        "one-too-many": "x" * 76,
        "long": f"{SEA} {WORDS}",
        "long-weights": f"{SEA} (wooden boats lie on the sand under a grey sky:1.2) while [gulls cry] and the (tide) comes in slowly at the "
        f"end of a long day, {WORDS}",
        "comma-near": "wooden boats lie on the sand, under a grey sky while gulls cry and the tide, comes in slowly, at the end",
        "comma-far": "wooden boats lie on the sand, under a grey sky while gulls cry and the tide comes in slowly at the end of a long day",
        "comma-at-20": "x" * 55 + " , " + "y" * 30,
        "comma-at-21": "x" * 54 + " , " + "y" * 31,
        "comma-last": "x" * 74 + " , " + "y" * 9,
        "comma-next": "x, " + "x" * 60 + " , " + "x" * 12 + " , " + "y" * 9,
        "comma-weighted": "x" * 50 + " (wooden, boats lie on:1.3) the sand, (under a grey:0.8) sky",
        "break": "a red house BREAK by the (sea:1.2)",
        "breaks": "a red BREAK BREAK house",
        "break-around": "BREAK a red house BREAK",
        "break-weighted": "a (red BREAK house:1.2) by the sea",
        "break-word": "a redBREAK house, BREAKs",
        "break-long": f"{WORDS} BREAK {SEA}",
    },
    "comfy": {
        "plain": SEA,
        "empty": "",
        "weights": "a (red:1.4) house by the (sea)",
        "replaced": "a ((red:0.5) house:1.3) (by ((the) sea))",
        "zero": "a red (house:0) by the sea",
        "negative-weight": "a red house by (the:-0.5) sea",
        "escaped": r"a red \(house\) by [the] (sea \(side\):1.2) \\ \x",
        "unclosed": "a (red house by the sea",
        "unclosed-twice": "((red) house by the sea)",
        "half-closed": "((red) house",
        "unopened": "a red) house (by) the sea:1.2)",
        "colons": "a (red:house) (by:the:1.3) (:1.2) (sea: .8 )",
        "inside-word": "ho(us:1.3)e",
        "break": "a red house BREAK by the sea",
        "fits-exactly": "x" * 75,
        "one-too-many": "x" * 76,
        "long": f"{SEA} {WORDS}",
        "long-weights": f"{SEA} (wooden boats lie on the sand under a grey sky:1.2) while (gulls cry:0.8) and the (tide) comes in slowly at "
        f"the end of a long day, {WORDS}",
        "short-piece-moves": "x" * 70 + "(y" + "y" * 6 + ":1.2) by the sea",
        "long-piece-is-cut": "x" * 70 + "(y" + "y" * 7 + ":1.2) by the sea",
        "piece-fits": "x" * 70 + "(yyyyy:1.2)(z:0.9)",
    },
}
# The cases that all models and clip skips are tried with.
FEW = {
    "plain": ("short", "cut"), "a1111": ("plain", "empty", "weights", "long-weights", "break"),
    "comfy": ("weights", "replaced", "long-weights"),
}
MODELS = {"sd1": (1, 2, 3), "sd2v": (1,), "sdxl": (2, 3)}


def check_against_diffusers():
    for kind, skips in MODELS.items():
        for clip_skip in skips:
            expected, pooled = embed(kind, "plain", SEA, clip_skip)
            for syntax in ("a1111", "comfy"):
                found, pooled_too = embed(kind, syntax, SEA, clip_skip)
                torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
                torch.testing.assert_close(pooled_too, pooled, atol=1e-5, rtol=1e-5)


def directions(width):
    return noise("prompts/directions", width, 2)


def main():
    check_against_diffusers()
    cases, tensors = {}, {}
    for syntax, prompts in PROMPTS.items():
        for name, prompt in prompts.items():
            case = dict(syntax=syntax, prompt=prompt, models={})
            for kind, skips in MODELS.items():
                if name not in FEW[syntax]:
                    skips = {"sd1": (1,), "sdxl": (2,)}.get(kind, ())
                for clip_skip in skips:
                    context, pooled = embed(kind, syntax, prompt, clip_skip)
                    key = f"{kind}/{clip_skip}/{syntax}-{name}"
                    tensors[f"{key}/context"] = context[0] @ directions(context.shape[-1])
                    if pooled is not None:
                        tensors[f"{key}/pooled"] = pooled[0]
                    case["models"].setdefault(kind, []).append(clip_skip)
            if syntax != "plain":
                chunks = CHUNKS[syntax](prompt, model("sd1").tokenizer)
                case["chunks"] = [dict(zip(("ids", "weights"), map(list, zip(*chunk)))) or dict(ids=[], weights=[]) for chunk in chunks]
            cases[f"{syntax}-{name}"] = case
    text = json.dumps(cases, indent=1, ensure_ascii=False)
    # Lists of numbers on one line.
    text = re.sub(r"\[[\s\d,.e+-]*\]", lambda found: re.sub(r"\s+", "", found[0]), text)
    (HERE / "cases.json").write_text(text + "\n")
    save_file(tensors, HERE / "embeddings.safetensors")


if __name__ == "__main__":
    main()
