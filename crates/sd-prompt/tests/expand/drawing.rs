use std::collections::BTreeMap;

use sd_prompt::{Template, Wildcards};

use crate::wildcards;

/// How often each text is drawn with the first seeds.
fn frequencies(text: &str, wildcards: &Wildcards, draws: u64) -> BTreeMap<String, f64> {
    let template = Template::parse(text);
    let mut counts = BTreeMap::new();
    for seed in 0..draws {
        *counts.entry(template.draw(seed, wildcards).unwrap()).or_insert(0.0) += 1.0;
    }
    counts
}

/// Asserts that the texts are as frequent as their probabilities say, within five standard deviations.
#[track_caller]
fn assert_frequencies(text: &str, wildcards: &Wildcards, expected: &[(&str, f64)]) {
    const DRAWS: u64 = 20_000;
    let found = frequencies(text, wildcards, DRAWS);
    assert!((expected.iter().map(|(_, probability)| probability).sum::<f64>() - 1.0).abs() < 1e-9);
    assert_eq!(found.len(), expected.iter().filter(|(_, probability)| *probability > 0.0).count(), "{found:?}");
    for (text, probability) in expected {
        let mean = DRAWS as f64 * probability;
        let deviation = (mean * (1.0 - probability)).sqrt();
        let count = found.get(*text).copied().unwrap_or(0.0);
        assert!((count - mean).abs() <= 5.0 * deviation, "{text}: {count}, expected {mean} ± {deviation}");
    }
}

#[test]
fn options_are_equally_likely() {
    assert_frequencies("{a|b|c}", &Wildcards::none(), &[("a", 1.0 / 3.0), ("b", 1.0 / 3.0), ("c", 1.0 / 3.0)]);
}

#[test]
fn weighted_options_are_as_likely_as_their_weights() {
    let none = Wildcards::none();
    assert_frequencies("{0.5::a|2::b|c}", &none, &[("a", 1.0 / 7.0), ("b", 4.0 / 7.0), ("c", 2.0 / 7.0)]);
    assert_frequencies("{0::a|3::b|0::c|1::d}", &none, &[("a", 0.0), ("b", 0.75), ("c", 0.0), ("d", 0.25)]);
    let largest = "9".repeat(308);
    let text = format!("{{{largest}::a|{largest}::b|1::c}}");
    assert_frequencies(&text, &none, &[("a", 0.5), ("b", 0.5)]);
}

#[test]
fn weights_of_zero_are_drawn_when_nothing_else_is_left() {
    let none = Wildcards::none();
    assert_frequencies("{0::a|0::b}", &none, &[("a", 0.5), ("b", 0.5)]);
    assert_frequencies("{2$$0::a|1::b|0::c}", &none, &[("b,a", 0.5), ("b,c", 0.5)]);
}

#[test]
fn several_options_are_drawn_without_replacement() {
    let none = Wildcards::none();
    let pairs = ["a,b", "a,c", "b,a", "b,c", "c,a", "c,b"].map(|pair| (pair, 1.0 / 6.0));
    assert_frequencies("{2$$a|b|c}", &none, &pairs);
    // First by the weights, then by those of the others.
    let pairs = [
        ("a,b", 0.5 / 2.0),
        ("a,c", 0.5 / 2.0),
        ("b,a", 0.25 * 2.0 / 3.0),
        ("b,c", 0.25 / 3.0),
        ("c,a", 0.25 * 2.0 / 3.0),
        ("c,b", 0.25 / 3.0),
    ];
    assert_frequencies("{2$$2::a|b|c}", &none, &pairs);
}

#[test]
fn numbers_of_options_are_equally_likely() {
    let expected = [("", 1.0 / 3.0), ("a", 1.0 / 6.0), ("b", 1.0 / 6.0), ("a,b", 1.0 / 6.0), ("b,a", 1.0 / 6.0)];
    assert_frequencies("{0-2$$a|b}", &Wildcards::none(), &expected);
}

#[test]
fn entries_are_equally_likely_whatever_they_contain() {
    let (_folder, wildcards) = wildcards(&[("c.txt", "red\n{light|dark} blue\n")]);
    assert_frequencies("__c__", &wildcards, &[("red", 0.5), ("light blue", 0.25), ("dark blue", 0.25)]);
    let pairs = [("red,light blue", 0.25), ("red,dark blue", 0.25), ("light blue,red", 0.25), ("dark blue,red", 0.25)];
    assert_frequencies("{2$$__c__}", &wildcards, &pairs);
}

#[test]
fn choices_are_independent() {
    let pairs = ["aa", "ab", "ba", "bb"].map(|pair| (pair, 0.25));
    assert_frequencies("{a|b}{a|b}", &Wildcards::none(), &pairs);
}

/// `draws.json` comes from an implementation of ChaCha8 and of the drawing in Python, in `expansions/make.py`.
#[test]
fn seeds_draw_the_same_on_every_machine() {
    let none = Wildcards::none();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expand/expansions/draws.json");
    let draws: Vec<(u64, String)> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert!(draws.len() > 100);
    let template = Template::parse("{a|b|c|d|e|f|g} {2::h|i|0.5::j} {1-3$$k|l|m|n}");
    for (seed, expected) in draws {
        assert_eq!(template.draw(seed, &none).unwrap(), expected, "seed {seed}");
    }
}
