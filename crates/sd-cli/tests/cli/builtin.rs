//! The model that is part of the program.

use crate::{Run, assert_drawn, stderr};

#[test]
fn without_a_model_a_landscape_is_drawn() {
    let run = Run::new();
    let output = run.sd(&["generate", "--prompt", "a red house by the sea at sunset", "--seed", "1"]);
    assert_drawn(&output);
    assert_eq!(stderr(&output), "");
    let text = String::from_utf8_lossy(&run.read("out.png")).into_owned();
    assert!(text.contains("Steps: 25, ") && text.contains("CFG scale: 3, Seed: 1, Size: 64x64"), "{text}");
}

#[test]
fn words_that_it_has_never_seen_are_named_once() {
    let run = Run::new();
    let flags = ["--steps", "1", "--seed", "1", "--count", "2"];
    let output = run.sd(&[&["generate", "--prompt", "a dragon by the sea, a robot and a Dragon"], &flags[..]].concat());
    assert_drawn(&output);
    let warnings = stderr(&output);
    assert_eq!(warnings.lines().count(), 1, "{warnings}");
    assert!(warnings.contains("has never seen dragon, robot; `--model FOLDER` draws with a full"), "{warnings}");
}
