//! A classifier is trained, and a model is measured with it.

use std::process::Output;

use crate::{MODEL, Run, stderr, stdout};

#[track_caller]
fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

fn with_classifier() -> Run {
    let run = Run::new();
    let flags = ["train-classifier", "--output", "classifier", "--steps", "2", "--batch", "2"];
    let output = run.sd(&flags);
    assert_success(&output);
    assert!(stdout(&output).contains("whole caption"), "{}", stdout(&output));
    run
}

fn evaluate(run: &Run, flags: &[&str]) -> Output {
    let model = MODEL.path().to_str().unwrap();
    let all = ["evaluate", "--model", model, "--classifier", "classifier", "--output", "evaluation", "--steps", "2"];
    let few = ["--captions", "3", "--guidances", "1,5", "--samples", "4", "--samplers", "ddim,ddpm-hat-sigma"];
    let all = [&all[..], &few, &["--batch", "3", "--progress", "json"], flags].concat();
    run.sd(&all)
}

#[test]
fn a_model_is_measured_once_and_more_can_be_added() {
    let run = with_classifier();
    assert_success(&evaluate(&run, &["--distance-steps", "2"]));
    let cells = || {
        let entries = std::fs::read_dir(run.path("evaluation/cells")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let first = [
        "accuracy-guidance-1.json",
        "accuracy-guidance-5.json",
        "accuracy-reconstructions.json",
        "accuracy-renders.json",
        "distance-ddim-2.json",
        "distance-ddpm-hat-sigma-2.json",
        "distance-reconstructions.json",
        "distance-renders.json",
    ];
    assert_eq!(cells(), first);
    let report = String::from_utf8(run.read("evaluation/evaluation.md")).unwrap();
    assert!(report.contains("| ddpm-hat-sigma |") && report.contains("guidance 5"), "{report}");

    // The same command again measures nothing, and writes the same report.
    let again = evaluate(&run, &["--distance-steps", "2"]);
    assert_success(&again);
    assert!(!stdout(&again).contains("\"work\""), "{}", stdout(&again));
    assert_eq!(String::from_utf8(run.read("evaluation/evaluation.md")).unwrap(), report);

    let more = evaluate(&run, &["--distance-steps", "2,3"]);
    assert_success(&more);
    assert!(!stdout(&more).contains("distance-ddim-2") && stdout(&more).contains("distance-ddim-3"));
    assert_eq!(cells().len(), first.len() + 2);

    let other = evaluate(&run, &["--distance-steps", "2", "--seed", "1"]);
    assert_eq!(other.status.code(), Some(2), "{}", stderr(&other));
    assert!(stderr(&other).contains("other settings"), "{}", stderr(&other));
}

#[test]
fn what_cannot_be_measured_is_refused_before_anything_is_drawn() {
    let run = with_classifier();
    let refused = |flags: &[&str], code: i32, words: &str| {
        let output = evaluate(&run, flags);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
        assert!(!run.path("evaluation/cells").exists());
    };
    refused(&["--samplers", "dimm"], 2, "`dimm` is unknown");
    refused(&["--distance-steps", "5,2000"], 2, "distance-ddim-2000");
    refused(&["--samples", "1"], 2, "a distance needs at least 2 samples");
    refused(&["--classifier", "nowhere"], 1, "nowhere/config.json");
    refused(&["--model", "nowhere"], 1, "nowhere: no such folder");
}
