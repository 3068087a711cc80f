"""Ids that CLIP's tokenizer gives for awkward prompts, with folders of every layout; and CLIP's merges, which the crate carries.

Reference: transformers 5.23.0, open_clip_torch 3.3.0
Writes: golden.json, ../../../data/bpe_simple_vocab_16e6.txt.gz
Test: crates/sd-clip/tests/golden/tokenizer/mod.rs
"""
import gzip
import importlib.util
import json
import os
import tempfile

from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
# CLIP uses 48 894 of the 262 144 merges in the file; the crate carries no more than these and the file's first line.
MERGES = 49152 - 256 - 2

PROMPTS = [
    "",
    " ",
    "a photograph of an astronaut riding a horse",
    "A Photograph Of An ASTRONAUT, Riding A Horse",
    "  two   spaces\tand a tab\nand a newline\r\nand both  ",
    "\u00a0no\u00a0break\u2003em space\u3000ideographic\u2028line\u2029paragraph\u0085next line\u180evowel separator",
    "hello!",
    "wow!!! an epic!dragon ! ! !?!",
    "!",
    "!!!!",
    "！full-width bang",
    "it's we're I've I'm you'll she'd don't IT'S 'tis rock'n'roll dogs'",
    "it’s a curly apostrophe",
    "in the year 2023, 4k 8K, 1024x768, f/1.8, 3.14159, 1e-5, v1.5",
    "snake_case __dunder__ a_b_c _",
    "(masterpiece:1.2), [low quality], {best|worst}, <lora:detail:0.8>",
    "AT&amp;T &lt;b&gt; &#39;quoted&#39; &eacute; &nbsp;",
    "<|startoftext|>",
    "<|endoftext|>",
    "<|STARTOFTEXT|> and <|EndOfText|> shouted",
    "a cat<|endoftext|>a dog <|endoftext|> a bird<|startoftext|>!",
    "<|endoftext|",
    "<|end of text|>",
    "a <cat-toy> on a <CAT-TOY> beside a<cat-toy>cat-toy",
    "café naïve Ångström façade",
    "cafe\u0301 nai\u0308ve A\u030angstro\u0308m",
    "Z\u0351\u036b\u0343a\u0334\u0321\u0319lg\u0353o\u0337 \u0301lone accent",
    "ﬁne ﬂoor oﬃce Ĳssel ǆ",
    "İstanbul ISTANBUL ılık DİYARBAKIR",
    "ΟΔΥΣΣΕΥΣ Σίσυφος ἀρχή",
    "straße STRASSE ẞ",
    "猫が窓辺で眠っている、水彩画",
    "一只可爱的熊猫，4K高清",
    "서울의 밤 풍경 \u1112\u1161\u11ab\u1100\u1173\u11af",
    "カﾞガ か\u3099 ｶﾀｶﾅ",
    "красивая КОШКА на окне, Ёлка, и\u0306",
    "قطة جميلة فوق الطاولة ١٢٣",
    "חתול יפה שָׁלוֹם",
    "एक सुंदर बिल्ली १२३ สวัสดี",
    "😀 a smiling 🐱 cat 🚀",
    "👩‍👩‍👧‍👦 family 👍🏽 thumbs 🇫🇷 flag ❤️ heart 1️⃣",
    "zero\u200bwidth\u200cnon\u200djoiner\ufeffbom\u2060word\u00adsoft",
    "bidi \u202eright to left\u202c \u2066isolate\u2069",
    "null\x00char \x01\x02\x1b[31mred\x1b[0m\x7f bell\x07 \x1cfs\x1fus \x80\x9f",
    "½ cup x² + y³ ≈ Ⅷ ① ₂ ٣ ५ 千",
    "𝔣𝔯𝔞𝔨𝔱𝔲𝔯 𝐁𝐨𝐥𝐝 ｆｕｌｌｗｉｄｔｈ ℌ K Å",
    "𐐀𐐁 𐎀 𓀀 𞤀 \U0001fae8 \U000e0041 \U0010ffff \ufffd \ufffe",
    "\ue000 private \U000f0000 use",
    "“curly” ‘quotes’ «guillemets» – en — em … ellipsis • bullet",
    "a.b,c;d:e/f\\g|h-i+j=k*l^m%n$o#p@q~r`s\"t'u",
    "... --- ,,, ???? :-) ^_^ ¯\\_(ツ)_/¯",
    "https://example.org/a%20b?x=1&y=2#top, me@example.org",
    "€100 £5 ¥300 ₿1 ©2024 ®™ §4 ¶ † °C µm",
    "é" * 12 + "e\u0301" * 12,
    "a" * 300,
    "pneumonoultramicroscopicsilicovolcanoconiosis antidisestablishmentarianism",
    "0123456789" * 12,
    "🎨" * 30,
    "cat " * 74 + "dog",
    "cat " * 75 + "dog",
    "cat " * 76 + "dog",
    "!" * 100,
    ", ".join(f"portrait number {n} of a woman, highly detailed, 8k" for n in range(9)),
    "x" * 60 + " " + "supercalifragilisticexpialidocious " * 12,
]


def special(text, **kwargs):
    return dict(content=text, lstrip=False, normalized=True, rstrip=False, single_word=False) | kwargs


def folders():
    """The settings of tokenizer folders, each in one of the layouts in which they are published."""
    config = dict(add_prefix_space=False, do_lower_case=True, model_max_length=77, tokenizer_class="CLIPTokenizer")
    for name, pad in ("sd1", END), ("sd2", "!"):
        tokens = dict(bos_token=special(START), eos_token=special(END), unk_token=special(END), pad_token=pad)
        typed = {k: v if k == "pad_token" else dict(v, __type="AddedToken") for k, v in tokens.items()}
        # Stable Diffusion 2 names another padding token in tokenizer_config.json; special_tokens_map.json has the last word.
        yield name, {"special_tokens_map.json": tokens, "tokenizer_config.json": config | typed | {"pad_token": END}}
    # What transformers writes since 4.34, with a token learned by textual inversion; special_tokens_map.json is not consulted.
    listed = {"0": special("!", normalized=False, special=True), "49406": special(START, special=True),
              "49407": special(END, special=True), "49408": special("<cat-toy>", special=False)}
    named = dict(bos_token=START, eos_token=END, unk_token=END, pad_token="!")
    yield "listed", {"special_tokens_map.json": dict(named, pad_token=END),
                     "tokenizer_config.json": dict(config, **named, added_tokens_decoder=listed)}
    # Before that, the learned tokens had a file of their own.
    yield "legacy", {"special_tokens_map.json": named, "tokenizer_config.json": dict(config, **named), "added_tokens.json": {"<cat-toy>": 49408}}
    yield "bare", {}
    # A vocabulary without most letters, so that the unknown token is needed, and a short text encoder.
    words = ["a", "c", "t", "a</w>", "c</w>", "t</w>", "at</w>", "cat</w>", START, END, "<unk>"]
    yield "tiny", {"vocab.json": {w: i for i, w in enumerate(words)}, "merges.txt": "#version: 0.2\na t</w>\nc at</w>\n",
                   "tokenizer_config.json": dict(unk_token="<unk>", model_max_length=8)}


def main():
    out = os.path.dirname(os.path.abspath(__file__))
    packed = os.path.join(os.path.dirname(importlib.util.find_spec("open_clip").origin), "bpe_simple_vocab_16e6.txt.gz")
    lines = gzip.open(packed).read().decode("utf-8").split("\n")[: 1 + MERGES]
    with open(f"{out}/../../../data/bpe_simple_vocab_16e6.txt.gz", "wb") as f:
        f.write(gzip.compress("".join(line + "\n" for line in lines).encode("utf-8"), 9, mtime=0))

    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(b) for b in printable] + [chr(256 + n) for n in range(256 - len(printable))]
    words = letters + [c + "</w>" for c in letters] + ["".join(m.split()) for m in lines[1:]] + [START, END]
    vocabulary = {"vocab.json": {w: i for i, w in enumerate(words)}, "merges.txt": "#version: 0.2\n" + "\n".join(lines[1:]) + "\n"}
    golden = {"folders": {}, "prompts": [{"prompt": p} for p in PROMPTS]}

    def ask(name, settings, tokenizer):
        length = 77 if name == "bare" else tokenizer.model_max_length
        golden["folders"][name] = {"settings": settings, "pad": tokenizer.pad_token_id, "max_length": length}
        for case in golden["prompts"]:
            got = tokenizer(case["prompt"], padding="max_length", max_length=length, truncation=True)
            ids, used = got["input_ids"], sum(got["attention_mask"])
            assert len(ids) == length and set(ids[used:]) <= {tokenizer.pad_token_id}
            case[name] = ids[:used]

    with tempfile.TemporaryDirectory() as root:
        for name, settings in folders():
            folder = f"{root}/{name}"
            os.makedirs(folder)
            for file, content in (vocabulary | settings).items():
                with open(f"{folder}/{file}", "w", encoding="utf-8") as f:
                    f.write(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))
            ask(name, settings, CLIPTokenizer.from_pretrained(folder))

            if name in ("sd1", "sd2"):
                # The single file that transformers saves, with a truncation and a padding that must not count.
                tokenizer = CLIPTokenizer.from_pretrained(folder)
                tokenizer("", padding="max_length", max_length=10, truncation=True)
                tokenizer.save_pretrained(f"{folder}-saved")
                settings = {}
                for file in sorted(os.listdir(f"{folder}-saved")):
                    with open(f"{folder}-saved/{file}", encoding="utf-8") as f:
                        settings[file] = json.load(f)
                saved = CLIPTokenizer.from_pretrained(f"{folder}-saved")
                settings["tokenizer.json"]["model"].update(vocab={}, merges=[])  # the test puts them back
                ask(f"{name}-saved", settings, saved)

    rows = lambda values: ",\n".join("  " + value for value in values)
    dump = lambda value: json.dumps(value, ensure_ascii=True, separators=(", ", ": "))
    with open(f"{out}/golden.json", "w", encoding="utf-8") as f:
        f.write('{"folders": {\n' + rows(f"{dump(k)}: {dump(v)}" for k, v in golden["folders"].items()) + "\n},\n")
        f.write('"prompts": [\n' + rows(map(dump, golden["prompts"])) + "\n]}\n")
    print(f"{len(PROMPTS)} prompts, {len(golden['folders'])} folders")


if __name__ == "__main__":
    main()
