"""Random texts of words, commas, breaks, weights and textual inversions, in chunks as Forge and ComfyUI cut them.

Reference: Forge dfcdbab6, ComfyUI 87607c5f (the fork hiddenswitch/pip-and-uv-installable-ComfyUI)
Writes: golden.json
Test: crates/sd-prompt/tests/golden/chunks/mod.rs

The environment variables FORGE and COMFYUI name folders of the sources, of which single functions are run. The tokenizer is
a stand-in: a number is that token, a comma is 44, `ti5` is a textual inversion of five vectors, here five tokens 0, and
any other word is 50.
"""
import ast
import collections
import json
import os
import random
import re
import types

COUNT = 25
ROOM = 75
START, END, COMMA, INVERSION = -2, -1, 44, 1000
HERE = os.path.dirname(os.path.abspath(__file__))


def functions(folder, path, names, **known):
    """Runs the first of a file's functions or methods of each name, and no others."""
    path = os.path.join(os.environ[folder], path)
    tree = ast.parse(open(path, encoding="utf-8").read())
    found = {node.name: node for node in reversed(list(ast.walk(tree))) if getattr(node, "name", None) in names}
    tree.body = list(found.values())
    space = dict(known)
    exec(compile(tree, path, "exec"), space)
    return types.SimpleNamespace(**{name: space[name] for name in names})


def token(word):
    if word.startswith("ti"):
        return INVERSION + int(word[2:])
    return COMMA if word == "," else int(word) if word.isdigit() else 50


def inversion(tokens, position):
    vectors = tokens[position] - INVERSION
    return (types.SimpleNamespace(vectors=vectors), 1) if vectors > 0 else (None, None)


class Vectors(list):
    @property
    def shape(self):
        return (len(self), 1)


def kept(chunk, start, end):
    """A chunk's tokens without start, end and padding, with weights as texts, of which JSON readers don't round the last digit."""
    return [[token, repr(weight)] for token, weight in chunk if token not in (start, end)]


def forge_chunks(text):
    known = {"parsing": forge_parsing, "PromptChunk": forge_chunk.PromptChunk, "PromptChunkFix": lambda *_: None}
    line = functions("FORGE", "backend/text_processing/classic_engine.py", ["tokenize_line"], **known).tokenize_line
    engine = types.SimpleNamespace(
        tokenize=lambda texts: [[token(word) for word in text.split()] for text in texts],
        embeddings=types.SimpleNamespace(find_embedding_at_position=inversion),
        emphasis=types.SimpleNamespace(name="Original"), chunk_length=ROOM, comma_token=COMMA, id_start=START, id_end=END)
    return [kept(zip(chunk.tokens, chunk.multipliers), START, END) for chunk in line(engine, text)[0]]


def comfy_chunks(text):
    class Tokenizer:
        get_vocab = staticmethod(dict)

        def __call__(self, text):
            return {"input_ids": [START, *(token(word) for word in text.split()), END]}

    def embedding(name):
        name, *leftover = name.split()
        return Vectors([0] * int(name[2:])), " ".join(leftover)

    def pad(tokens, amount):
        tokens.extend([(END, 1.0, 0)] * amount)

    tokenizer = types.SimpleNamespace(
        tokenizer=Tokenizer(), _try_get_embedding=embedding, pad_tokens=pad, embedding_identifier="embedding:", embedding_directory=".",
        embedding_key="clip_l", min_length=None, min_padding=None, disable_weights=False, tokenizer_adds_end_token=True, tokens_start=1,
        start_token=START, end_token=END, max_word_length=8, max_length=ROOM + 2, pad_to_max_length=True)
    return [kept(chunk, START, END) for chunk in comfy.tokenize_with_weights(tokenizer, text)]


def some_text(rng, inversion, extra):
    words = ["{}", "{}", ", ", "(", ")", ":1.2)", *extra]
    weights = [30, 30, rng.choice([0, 1, 4]), 1, 1, 1, *(0.5 for _ in extra)]
    kinds = rng.choices([*words, inversion], [*weights, rng.choice([0, 1])], k=rng.randrange(300))
    return " ".join(kind.format(rng.randrange(1, 40)) for kind in kinds)


forge_parsing = types.ModuleType("parsing")
exec(open(os.path.join(os.environ["FORGE"], "backend/text_processing/parsing.py")).read(), forge_parsing.__dict__)
forge_chunk = functions("FORGE", "backend/text_processing/classic_engine.py", ["PromptChunk"])
comfy = functions(
    "COMFYUI", "comfy/sd1_clip.py",
    ["parse_parentheses", "token_weights", "escape_important", "unescape_important", "tokenize_with_weights"], re=re)

rng = random.Random(0)
texts = collections.defaultdict(list)
for _ in range(COUNT):
    text = some_text(rng, "ti{}", ["[", "]", "BREAK"])
    texts["a1111"].append({"text": text, "chunks": forge_chunks(text)})
    text = some_text(rng, "embedding:ti{}", [])
    texts["comfy"].append({"text": text, "chunks": comfy_chunks(text)})
with open(os.path.join(HERE, "golden.json"), "w") as file:
    json.dump(texts, file, separators=(",", ":"))
    file.write("\n")
