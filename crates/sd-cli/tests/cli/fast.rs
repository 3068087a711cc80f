//! Less arithmetic for almost the same image.

use serde_json::{Value, json};

use crate::{Run, stdout};

const FLAGS: [&[&str]; 5] = [
    &["--fast", "fastest"],
    &["--deep-cache", "2,1"],
    &["--text-gate", "0.5"],
    &["--guidance-every", "2"],
    &["--merge-tokens", "0.5"],
];

#[test]
fn every_flag_draws_another_image_and_is_in_its_metadata() {
    let run = Run::new();
    let steps = ["--steps", "6"];
    let mut images = vec![run.draw(&steps).image];
    let names =
        ["Fast: fastest", "Deep cache: \"2,1\"", "Text gate: 0.5", "Guidance every: 2", "Token merging ratio: 0.5"];
    for (flags, name) in FLAGS.into_iter().zip(names) {
        let drawn = run.draw(&[&steps[..], flags].concat());
        assert_eq!(drawn.warnings, "", "{flags:?}");
        assert!(!images.contains(&drawn.image), "{flags:?}");
        assert!(drawn.settings().contains(name), "{name} in {}", drawn.settings());
        images.push(drawn.image);
    }
}

#[test]
fn what_is_off_changes_no_byte() {
    let run = Run::new();
    let expected = run.draw(&[]);
    for flags in [["--deep-cache", "1"], ["--text-gate", "1"], ["--guidance-every", "1"], ["--merge-tokens", "0"]] {
        assert_eq!(run.draw(&flags).image, expected.image, "{flags:?}");
    }
}

#[test]
fn a_plan_says_what_is_reused_and_how_much_arithmetic_is_left() {
    let run = Run::new();
    let flags = ["--fast", "fastest", "--text-gate", "0.6", "--steps", "20"];
    let text = stdout(&run.generate(&[&flags[..], &["--plan"]].concat()));
    for line in ["fast             fastest", "text gate        0.6"] {
        assert!(text.lines().any(|found| found == line), "{line}\n\n{text}");
    }
    let arithmetic = text.lines().find(|line| line.starts_with("arithmetic  ")).unwrap();
    assert!(arithmetic.ends_with("times fewer than without reuse"), "{arithmetic}");
    assert!(!stdout(&run.generate(&["--plan"])).contains("arithmetic"));
    let planned = stdout(&run.generate(&[&flags[..], &["--plan=json"]].concat()));
    let settings: Value = serde_json::from_str::<Value>(&planned).unwrap()["settings"].take();
    assert_eq!((&settings["fast"], &settings["reuse"]["text_gate"]), (&json!("fastest"), &json!(0.6)));
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let run = Run::new();
    for (flags, words) in [
        (&["--fast", "slow"][..], &["--fast", "quality, balanced or fastest"][..]),
        (&["--deep-cache", "0"], &["--deep-cache 0", "at least 1"]),
        (&["--deep-cache", "3,x"], &["--deep-cache", "INTERVAL"]),
        (&["--deep-cache", "3,99"], &["--deep-cache", "branch 99"]),
        (&["--text-gate", "0"], &["--text-gate 0", "above 0"]),
        (&["--guidance-every", "0"], &["--guidance-every 0", "at least 1"]),
        (&["--merge-tokens", "0.9"], &["--merge-tokens 0.9", "below 0.75"]),
        (&["--text-gate", "0.5", "--pag", "3"], &["--text-gate", "--pag"]),
        (&["--fast", "fastest", "--prompt", "a AND b"], &["--fast fastest", "--text-gate", "several parts"]),
    ] {
        run.refuses(flags, words);
    }
}
