"""Random prompts as Forge (AUTOMATIC1111's parser) and ComfyUI read them.

Reference: lark 1.3.1, Forge dfcdbab6, ComfyUI 87607c5f (the fork hiddenswitch/pip-and-uv-installable-ComfyUI)
Writes: golden.json
Test: crates/sd-prompt/tests/golden/prompts/mod.rs

The environment variables FORGE and COMFYUI name folders of the sources, of which single functions are run.

Leaves out prompts that Forge raises an error for, such as a weight of `1.2.3`, and those where it takes a schedule as text
because two brackets or colons without a partner follow it, as in `[b:3]))`. Its grammar allows both readings, and which
one its parser returns is an accident: a letter in between brings the schedule back. Prints how many are left out.
"""
import ast
import collections
import json
import os
import random
import re
import sys
import types

STEPS = 4
SECOND_STEPS = 6
COUNT = 300
HERE = os.path.dirname(os.path.abspath(__file__))
LEXEMES = [
    "a", "b", "cat ", " ", ", ", "é", "\n", "(", ")", "[", "]", "(", ")", "[", "]", ":", "|", "\\", "\\(", "\\)", "\\]", "BREAK",
    " BREAK ", "AND", " AND ", ":1.2)", ": -1 )", ":.5]", ":2]", ": 3 ]", ":1.5]", ":6]", ":1", ":-.5", "2", ".5", "+1e0",
    "<lora:x:0.5>", "<hyper:y>", "<", ">", "_",
]


def functions(path, names, **known):
    """Runs these functions, classes and values of a file, and no others."""
    tree = ast.parse(open(path, encoding="utf-8").read())
    def name(node):
        return node.targets[0].id if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else getattr(node, "name", None)
    tree.body = [node for node in tree.body if name(node) in names]
    space = dict(known)
    exec(compile(tree, path, "exec"), space)
    return types.SimpleNamespace(**{name: space[name] for name in names})


def exact(weighted):
    """Weights as texts, of which JSON readers don't round the last digit."""
    return [[text, repr(weight)] for text, weight in weighted]


def noise(rng):
    """Syntax in any order, most of it unbalanced."""
    return "".join(rng.choice(LEXEMES) for _ in range(rng.randrange(14)))


def nested(rng, depth=0):
    """Balanced brackets, now and then with a lexeme that doesn't belong there."""
    inner = lambda: nested(rng, depth + 1)
    kinds = [
        lambda: rng.choice(["a", "dog ", " big", ", ", "ü", "x y", "\\)", "\n"]),
        lambda: f"({inner()})",
        lambda: f"({inner()}:{rng.choice(['1.3', '0.5', ' 2', '-1', 'x'])})",
        lambda: f"[{inner()}]",
        lambda: f"[{inner()}:{inner()}:{when(rng)}]",
        lambda: f"[{inner()}:{when(rng)}]",
        lambda: f"[{inner()}::{when(rng)}]",
        lambda: f"[{'|'.join(inner() for _ in range(rng.randrange(2, 4)))}]",
        lambda: rng.choice(LEXEMES),
    ]
    weights = [6, 2, 2, 2, 3, 2, 1, 1.5, 0.4]
    count = 0 if depth > 3 else rng.randrange(1 if depth == 0 else 0, 4)
    return "".join(kind() for kind in rng.choices(kinds, weights, k=count))


def when(rng):
    return rng.choice(["0", "1", "2", " 3", "4 ", "7", ".5", "0.25", "1.5", "2.", "-1", "1e0", "+2"])


def main():
    sys.modules["torch"] = types.ModuleType("torch")  # parsing needs none
    sys.path.insert(0, os.environ["FORGE"])
    from modules import prompt_parser as forge
    networks = functions(
        os.path.join(os.environ["FORGE"], "modules/extra_networks.py"), ["ExtraNetworkParams", "re_extra_net", "parse_prompt"],
        re=re, defaultdict=collections.defaultdict)
    comfy = functions(
        os.path.join(os.environ["COMFYUI"], "comfy/sd1_clip.py"),
        ["parse_parentheses", "token_weights", "escape_important", "unescape_important"])

    def schedule(text, *steps):
        return forge.get_learned_conditioning_prompt_schedules([text], *steps)[0]

    def phases(text, second):
        steps = (STEPS, SECOND_STEPS) if second else (STEPS,)
        apart = re.sub(r"(\d\.?\s*\])(?=[][():]{2})", r"\1~", text)
        if [[last, text.replace("~", "")] for last, text in schedule(apart, *steps)] != schedule(text, *steps):
            raise ValueError("a schedule is lost")
        return [[last, exact(forge.parse_prompt_attention(text))] for last, text in schedule(text, *steps)]

    def part(text, weight):
        return {"weight": weight, "phases": phases(text, False), "second": phases(text, True)}

    def case(prompt):
        text, _ = networks.parse_prompt(prompt)
        [indexes], texts, _ = forge.get_multicond_prompt_list([text])
        weighted = exact(comfy.token_weights(comfy.escape_important(prompt), 1.0))
        return {
            "prompt": prompt,
            "parts": [part(texts[index], weight) for index, weight in indexes],
            "comfy": [[comfy.unescape_important(text), weight] for text, weight in weighted],
        }

    rng = random.Random(0)
    cases, left_out = [], 0
    for i in range(COUNT):
        prompt = (noise if i % 3 == 0 else nested)(rng)
        try:
            cases.append(case(prompt))
        except ValueError:
            left_out += 1
    print(left_out, "of", COUNT, "prompts left out")
    with open(os.path.join(HERE, "golden.json"), "w", encoding="utf-8") as file:
        json.dump({"steps": STEPS, "second_steps": SECOND_STEPS, "cases": cases}, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


main()
