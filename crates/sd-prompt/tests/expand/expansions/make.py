"""What Dynamic Prompts makes of templates, Python of a file of styles, and ChaCha8 of seeds.

Reference: dynamicprompts 0.31.0, pyparsing 3.3.3
Writes: expansions.json, styles.json, draws.json
Test: crates/sd-prompt/tests/expand/expansions/mod.rs, crates/sd-prompt/tests/expand/drawing.rs

Wildcards and styles are in the folder above. Python's csv module reads the styles. ChaCha8 is that of RFC 8439, with 8 rounds
and a counter of 64 bits.
"""
import csv
import json
import logging
import struct
from pathlib import Path

from dynamicprompts.generators import CombinatorialPromptGenerator
from dynamicprompts.wildcards import WildcardManager

HERE = Path(__file__).parent
INPUTS = HERE.parent
logging.disable()

TEMPLATES = [
    # The guide to its syntax.
    "{summer|autumn|winter|spring} is coming",
    "{0.5::summer|0.1::autumn|0.3::winter|0.1::spring}",
    "My favourite ice-cream flavours are {2$$chocolate|vanilla|strawberry}",
    "My favourite ice-cream flavours are {2$$ and $$chocolate|vanilla|strawberry}",
    "My favourite ice-cream flavours are {1-2$$ and $$chocolate|vanilla|strawberry}",
    "{-2$$chocolate|vanilla|strawberry}",
    "{1-$$chocolate|vanilla|strawberry}",
    "p{4$$chocolate|vanilla|strawberry}",
    "__season__ is coming",
    "My favourite ice-cream flavours are {2$$__flavours__}",
    "The colour of my shirt is __colours*__",
    "__animals/all__",
    "__animals/mammals/*__",
    "__pairs__",
    # Its tests.
    "good_bye world",
    "I, love. punctuation",
    "Test änderō",
    "Test [low emphasis]",
    "Test [low emphasis:0.4]",
    "Test (high emphasis)",
    "Test (high emphasis:0.4)",
    "Unmatched } bracket",
    "[cat|dog]",
    "[cat:dog:0.25]",
    "__flavours__ __flavours__",
    ",__flavours__",
    "__flavours__ world",
    "(__colours*__:2.3) ",
    "{new york|washing-ton!|änder}",
    "{|red|blue}",
    "A {red|blue|} rose",
    "A {red|green} {square|circle}",
    "A {2$$red|green} {square|circle}",
    "A {1-2$$red|green|blue} square",
    "A {2$$|$$red|green|blue} square",
    "A {1::red|2::green|3::blue} square",
    "A {red|green {square|circle}}",
    "{__colours*__}",
    "{2$$__colours*__|black}",
    "A red {3$$square|circle}",
    "{!red|green|blue}",
    "{!0.2::red|0.4::green|0.6::blue}",
    "{!1-2$$cat|dog|bird}",
    "__!flavours__",
    "{1::cat|dog|3::bird} test",
    "{0-1$$a|b|c|d}",
    "{2$$  $$cat|dog|bird}",
    "{2$$cat|dog|bird}{3$$red|blue|green}",
    "prefix,\n({0$$a|b} {1$$c|d|e}),\nsuffix",
    "{2$$ 1| 2| 3} {2$$ 1| 2| 3}",
    "prompt with closing bra}ce but {parsed|accepted}",
    "{1$$A|B|{2$$ and $$X|Y|Z}}",
    "{|hot,}{|summer,}{|blue sky,}",
    # White space, numbers and separators.
    "{ a | b }",
    "{ 2$$ a | b }",
    "{a\n|b\n}",
    "{0.5:: a|b}",
    "{0.5 ::a|b}",
    "{ 0.5::a|b}",
    "{.5::a|1.::b}",
    "{01::a|b}",
    "{1e2::a|b}",
    "{+1::a|b}",
    "{1::a|b::c}",
    "{2:3::a|b}",
    "a::b",
    "{2::{a|b}|c}",
    "{}",
    "{a}",
    "{prompt}",
    "{2$$a}",
    "{0$$a|b}",
    "{9$$a|b}",
    "{2-$$a|b|c}",
    "{3-1$$a|b|c}",
    "{2$$,$$,a|b,}",
    "{1$$ and $$ and a|b}",
    "{2$$ __flavours__}",
    "{2$$__flavours__ }",
    "{2$$2::__flavours__}",
    "{2$$a|{b|c}}",
    "\\{a|b\\}",
    "{a\\|b|c}",
    # Prompts in AUTOMATIC1111's syntax.
    "a (red:1.2) [house|barn] by the [sea:lake:0.5], \\(sunset\\), <lora:calm:0.8> BREAK fog AND rain :1.1",
    "http://x",
]


def expansions(manager):
    for template in TEMPLATES:
        try:
            texts = [str(text) for text in CombinatorialPromptGenerator(manager).generate(template, 1000)]
        except Exception:  # What is no syntax is an error there.
            continue
        yield template, texts


def styles():
    with open(INPUTS / "styles.csv", encoding="utf-8-sig", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file, skipinitialspace=True)}
    return [[row["name"], row["prompt"], row["negative_prompt"] or ""] for row in rows.values()]


def chacha8(key):
    """The words of 32 bits."""
    def quarter(x, a, b, c, d):
        for to, by, shift, and_to in ((a, b, 16, d), (c, d, 12, b), (a, b, 8, d), (c, d, 7, b)):
            x[to] = (x[to] + x[by]) & 0xFFFFFFFF
            mixed = x[and_to] ^ x[to]
            x[and_to] = (mixed << shift | mixed >> 32 - shift) & 0xFFFFFFFF

    counter = 0
    while True:
        start = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), *struct.unpack("<4I", struct.pack("<QQ", counter, 0))]
        x = start.copy()
        for _ in range(4):
            for column in range(4):
                quarter(x, column, column + 4, column + 8, column + 12)
            for column in range(4):
                quarter(x, column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
        yield from ((a + b) & 0xFFFFFFFF for a, b in zip(x, start))
        counter += 1


class Draws:
    def __init__(self, seed):
        words = chacha8(struct.pack("<QQ16s", seed, 0, b"prompt"))
        self.bits = (low | high << 32 for low, high in zip(words, words))

    def below(self, end):
        return next(bits for bits in self.bits if bits < 2**64 // end * end) % end

    def picks(self, options, least, most, weights=None):
        count = least + self.below(most - least + 1)
        left, picked = list(range(len(options))), []
        for _ in range(count):
            if weights:
                level = (next(self.bits) >> 11) / 2**53 * sum(weights[option] for option in left)
                sums = [sum(weights[option] for option in left[: place + 1]) for place in range(len(left))]
                place = next(place for place, end in enumerate(sums) if level < end)
            else:
                place = self.below(len(left))
            picked.append(options[left[place]])
            # The last one takes its place.
            left[place] = left[-1]
            left.pop()
        return ",".join(picked)


def draws():
    for seed in [*range(100), 2**32, 2**53 + 1, 2**63, 2**64 - 1]:
        draw = Draws(seed)
        yield seed, " ".join((draw.picks("abcdefg", 1, 1), draw.picks("hij", 1, 1, [2, 1, 0.5]), draw.picks("klmn", 1, 3)))


def write(name, rows):
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (HERE / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


write("expansions.json", expansions(WildcardManager(INPUTS / "wildcards")))
write("styles.json", styles())
write("draws.json", draws())
