use std::collections::HashSet;

use sd_prompt::{Template, Wildcards};

use crate::wildcards;

/// Parts of random templates: syntax, broken syntax and text.
const PARTS: [&str; 30] = [
    "{", "}", "|", "{", "}", "|", "{", "}", "|", "$$", "2$$", "1-2$$", "0$$", "-2$$", "1-$$", " and $$", "0.5::",
    "2::", "0::", "__", "__a__", "__b/c__", "__b/*__", "a", " ", "é", "\n", "(x:1.2)", "[a|b]", "!",
];

/// Random texts of some parts (a linear congruential generator, with Knuth's constants).
fn texts(length: usize) -> impl Iterator<Item = String> {
    let mut state = 1_u64;
    let mut part = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        PARTS[(state >> 33) as usize % PARTS.len()]
    };
    std::iter::repeat_with(move || (0..length).map(|_| part()).collect())
}

fn some_wildcards() -> (tempfile::TempDir, Wildcards) {
    wildcards(&[("a.txt", "1\n2\n{x|y}"), ("b/c.txt", "__a__\n3"), ("b/d.txt", "4")])
}

#[test]
fn no_text_makes_the_parser_panic() {
    let (_folder, wildcards) = some_wildcards();
    for (seed, text) in (0..).zip(texts(40).take(5000)) {
        let template = Template::parse(&text);
        // Errors are those of made-up wildcards.
        if template.count(&wildcards).is_ok() {
            template.draw(seed, &wildcards).unwrap();
            template.all(&wildcards).take(3).for_each(|text| drop(text.unwrap()));
        }
    }
}

#[test]
fn counts_are_lengths_and_draws_are_members() {
    let (_folder, wildcards) = some_wildcards();
    let mut compared = 0;
    for (seed, text) in (0..).zip(texts(12).take(5000)) {
        let template = Template::parse(&text);
        let Ok(count @ 2..=2000) = template.count(&wildcards) else { continue };
        let all: Vec<String> = template.all(&wildcards).map(Result::unwrap).collect();
        assert_eq!(all.len() as u128, count, "{text:?}");
        let all: HashSet<String> = all.into_iter().collect();
        for seed in 10 * seed..10 * seed + 10 {
            let drawn = template.draw(seed, &wildcards).unwrap();
            assert!(all.contains(&drawn), "{text:?} becomes {drawn:?}");
            assert_eq!(template.draw(seed, &wildcards).unwrap(), drawn);
        }
        compared += 1;
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn texts_without_braces_and_wildcards_are_unchanged() {
    let none = Wildcards::none();
    for text in texts(30).take(2000) {
        let text = text.replace(['{', '_'], "");
        let template = Template::parse(&text);
        assert_eq!(template.draw(0, &none).unwrap(), text);
        assert_eq!(template.count(&none).unwrap(), 1);
        assert_eq!(template.all(&none).next().unwrap().unwrap(), text);
    }
}

#[test]
fn every_text_of_a_small_template_is_drawn() {
    let (_folder, wildcards) = some_wildcards();
    for text in ["{a|{b|c}|}", "{1-2$$x|y|__a__}", "__b/*__ {2$$__a__}", "{0-2$$ $$0.2::a|b|3::c}"] {
        let template = Template::parse(text);
        let all: HashSet<String> = template.all(&wildcards).map(Result::unwrap).collect();
        let drawn: HashSet<String> = (0..3000).map(|seed| template.draw(seed, &wildcards).unwrap()).collect();
        assert_eq!(all, drawn, "{text}");
    }
}
