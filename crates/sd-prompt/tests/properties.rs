//! What holds for every prompt, on random ones.

use sd_prompt::{Fragment, Prompt, Syntax, Text};

/// Random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn text(&mut self, pieces: &[&str], most: usize) -> String {
        (0..self.below(most)).map(|_| pieces[self.below(pieces.len())]).collect()
    }
}

const SYNTAX: [&str; 24] = [
    "a",
    "é",
    "日本",
    " ",
    "\n",
    "(",
    ")",
    "[",
    "]",
    ":",
    "|",
    "\\",
    ",",
    "BREAK",
    " AND ",
    ":1.5)",
    ":3]",
    ":.5]",
    "<lora:x:1>",
    "<",
    ">",
    "embedding:",
    "-1",
    "\u{0}",
];

fn words(text: &Text) -> String {
    let words = text.fragments.iter().map(|fragment| match fragment {
        Fragment::Words { text, .. } => text.as_str(),
        Fragment::Break => "",
    });
    words.collect()
}

#[test]
fn every_string_is_a_prompt() {
    let mut random = Random(1);
    for _ in 0..20_000 {
        let prompt = random.text(&SYNTAX, 20);
        for syntax in Syntax::ALL {
            for part in Prompt::parse(&prompt, syntax).parts {
                let phases = part.phases(4);
                assert!(phases.is_sorted_by(|a, b| a.last < b.last) && phases[phases.len() - 1].last == 4);
                part.phases_of_second_pass(3, 4);
                part.phases(0);
                part.beyond(&[4, 3]);
                for phase in phases {
                    let bare = phase.text.with_bare_embeddings();
                    for name in phase.text.embeddings() {
                        let is_name = |f: &Fragment| matches!(f, Fragment::Words { text, .. } if text == name);
                        assert!(bare.fragments.iter().any(is_name), "{prompt:?}");
                    }
                    let one = |text: &str| text.chars().map(|c| vec![c as u32]).collect();
                    assert!(!bare.chunks(5, Some(44), &one).chunks.is_empty());
                }
            }
        }
    }
}

#[test]
fn every_character_that_is_no_syntax_appears_once_and_in_order() {
    // Without schedules, breaks and number signs, what is no bracket, colon, backslash, space or digit is text.
    let pieces = ["a", "b", "é", " ", "\n", "(", ")", "[", "]", ":", "\\(", "\\]", ",", ":1.5)", ":.5)"];
    let is_text = |c: &char| !r"()[]:\ .15".contains(*c) && *c != '\n';
    let mut random = Random(2);
    for _ in 0..20_000 {
        let prompt = random.text(&pieces, 30);
        for syntax in Syntax::ALL {
            let parts = Prompt::parse(&prompt, syntax).parts;
            let phases = parts[0].phases(1);
            let seen = words(&phases[0].text);
            assert!(prompt.chars().filter(is_text).eq(seen.chars().filter(is_text)), "{syntax}: {prompt:?} {seen:?}");
        }
    }
}

#[test]
fn text_without_syntax_stays_as_it_is() {
    let mut random = Random(3);
    for _ in 0..5_000 {
        let prompt =
            format!("{}.", random.text(&["a", "Ω", " ", "\n", ", ", "'", "#", "/", "{", "*", "BREAKER", "and"], 30));
        for syntax in Syntax::ALL {
            let [part] = &Prompt::parse(&prompt, syntax).parts[..] else { panic!("{prompt:?} is one part") };
            let [phase] = &part.phases(20)[..] else { panic!("{prompt:?} is one phase") };
            assert!(phase.text.is_plain() && words(&phase.text) == prompt && part.weight == 1.0);
        }
    }
}

#[test]
fn nested_weights_multiply_or_replace() {
    let mut random = Random(4);
    for _ in 0..2_000 {
        let weights: Vec<_> = (0..1 + random.below(6)).map(|_| random.below(300) as f64 / 100.0).collect();
        let prompt = weights.iter().fold("x".to_owned(), |inside, weight| format!("({inside}:{weight})"));
        let weight = |syntax| match &Text::parse(&prompt, syntax).fragments[..] {
            [Fragment::Words { text, weight }] if text == "x" => *weight,
            other => panic!("{prompt}: {other:?}"),
        };
        assert_eq!(weight(Syntax::A1111), weights.iter().product::<f64>());
        assert_eq!(weight(Syntax::Comfy), weights[0]);
    }
}

#[test]
fn a_hundred_thousand_brackets_need_no_deep_stack() {
    // In quadratic time this would take hours.
    const DEEP: usize = 100_000;
    let around = |open: &str, close: &str| format!("{}x{}", open.repeat(DEEP), close.repeat(DEEP));
    let prompts = [
        around("(", ")"),
        around("(a", "b)"),
        around("(a", ""),
        around("", "a)"),
        around("[a", "]"),
        around("[a:", ":1]"),
        around("[", ":b:1]"),
        around("[a:", "]"),
        around("(a:", ":1)"),
        around("[a:b:1]([", ""),
        around("<a:", ""),
        around("<", ">"),
        around("a AND :1", ":"),
        around("BREAK ", "\\("),
        around("embedding:a", " embedding:"),
        format!("[a|{}]", around("[b:", ":1]")),
        around("[a|", "|]"),
    ];
    for prompt in prompts {
        for syntax in Syntax::ALL {
            for part in Prompt::parse(&prompt, syntax).parts {
                part.phases(2).iter().for_each(|phase| _ = phase.text.with_bare_embeddings());
            }
        }
    }
}
