//! `sd tune`, and what is drawn with its schedules.

use std::fs;
use std::path::Path;
use std::process::Output;

use sd_image::Image;
use serde_json::{Value, json};

use crate::{MODEL, Run, stderr, stdout};

const TUNE: [&str; 11] =
    ["tune", "--steps", "3", "--images", "2", "--budget", "60", "--progress", "none", "--guidance", "2"];

#[track_caller]
fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

/// Checks that a run failed with a message of one line that has these words.
#[track_caller]
fn assert_refused(output: &Output, words: &str) {
    let message = stderr(output);
    assert!(
        !output.status.success() && message.starts_with("error: ") && message.contains(words),
        "{words:?} in {message}"
    );
    assert!(message.trim_end().lines().count() == 1 || message.contains("try '--help'"), "{message}");
}

/// Tunes a few steps of the tiny model, and returns what the file says.
fn tuned(run: &Run, file: &str, flags: &[&str]) -> Value {
    let model = ["--model", MODEL.path().to_str().unwrap(), "--output", file];
    assert_success(&run.sd(&[&TUNE[..], &model, flags].concat()));
    serde_json::from_slice(&fs::read(run.path(file)).unwrap()).unwrap()
}

#[test]
fn a_tuned_schedule_is_described_and_drawn_with() {
    let run = Run::new();
    let mut found = tuned(&run, "three.json", &["--weights"]);
    assert_eq!((found["levels"].as_array().unwrap().len(), found["sampler"].as_str()), (4, Some("ipndm")), "{found}");
    for set in ["tuned", "held_out"] {
        let [before, after] = ["before", "after"].map(|when| found[set][when].as_f64().unwrap());
        assert!(after <= before, "{found}");
    }
    assert!(!run.path("three.json.unfinished").exists());
    // Whatever was found, so that there are weights.
    found["weights"] = json!([[1.0], [-0.5, 1.5], [-0.4, 1.4]]);
    fs::write(run.path("three.json"), found.to_string()).unwrap();

    let info = stdout(&run.sd(&["info", "three.json"]));
    assert!(info.contains("tuned schedule") && info.contains("ipndm") && info.contains("weights 3"), "{info}");
    let json: Value = serde_json::from_str(&stdout(&run.sd(&["info", "three.json", "--json"]))).unwrap();
    assert_eq!(json, found);

    let model = ["--model", MODEL.path().to_str().unwrap(), "--prompt", "a house", "--seed", "1"];
    let flags = ["--schedule", "three.json", "--output", "tuned.png"];
    assert_success(&run.sd(&[&["generate"], &model[..], &flags].concat()));
    // The image says all of it, so that it can be drawn again without the file.
    fs::remove_file(run.path("three.json")).unwrap();
    assert_success(&run.sd(&["reproduce", "tuned.png", "--check", "--model", MODEL.path().to_str().unwrap()]));
}

#[test]
fn without_a_sampler_several_are_tried_and_the_same_is_always_found() {
    let run = Run::new();
    // Enough to begin with each sampler.
    let [found, again] = ["a.json", "b.json"].map(|file| tuned(&run, file, &["--budget", "300"]));
    assert_eq!(found, again);
    let of_one = tuned(&run, "c.json", &["--budget", "300", "--sampler", "unipc"]);
    let error = |found: &Value, when: &str| found["tuned"][when].as_f64().unwrap();
    // They are compared with the usual steps of the first sampler.
    assert_eq!(error(&found, "before"), error(&of_one, "before"));
    assert!(error(&found, "after") < error(&found, "before"), "{found}");
}

/// Puts a copy of the tiny model into a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

#[test]
fn installed_steps_are_the_default_for_their_number_and_nothing_else() {
    let run = Run::new();
    copy(MODEL.path(), &run.path("model"));
    let mut found = tuned(&run, "three.json", &["--sampler", "ipndm"]);
    // Whatever was found, so that they are not the usual ones.
    found["levels"] = json!([14.6, 3.3, 0.7, 0.0]);
    fs::write(run.path("three.json"), found.to_string()).unwrap();
    let draw = |flags: &[&str]| {
        let output = run.sd(&[
            &["generate", "--model", "model", "--prompt", "a house", "--seed", "1", "--output", "out.png"],
            flags,
        ]
        .concat());
        assert_success(&output);
        (Image::read(run.path("out.png")).unwrap(), stdout(&output))
    };
    let usual = draw(&["--steps", "3"]).0;
    fs::create_dir(run.path("model/tuned")).unwrap();
    fs::copy(run.path("three.json"), run.path("model/tuned/3.json")).unwrap();
    let (default, said) = draw(&["--steps", "3"]);
    assert!(said.contains("3 steps of ipndm, tuned for this model at guidance 2"), "{said}");
    assert_ne!(default, usual);
    assert_eq!(default, draw(&["--schedule", "three.json"]).0);
    assert_eq!(default, draw(&["--steps", "3", "--sampler", "ipndm"]).0);
    for others in
        [&["--steps", "4"][..], &["--steps", "3", "--sampler", "ddim"], &["--steps", "3", "--schedule", "karras"]]
    {
        let (_, said) = draw(others);
        assert!(!said.contains("tuned"), "{others:?}: {said}");
    }
    let info = stdout(&run.sd(&["info", "model"]));
    let row = info.lines().find(|line| line.starts_with("3  ")).unwrap_or_else(|| panic!("{info}"));
    assert!(info.contains("TUNED STEPS") && row.contains("ipndm") && row.contains("instead of"), "{info}");
    let json: Value = serde_json::from_str(&stdout(&run.sd(&["info", "model", "--json"]))).unwrap();
    assert_eq!(json["tuned"], json!([found]));
}

#[test]
fn what_is_found_can_be_installed() {
    let run = Run::new();
    copy(MODEL.path(), &run.path("model"));
    let install = [&TUNE[..], &["--model", "model", "--sampler", "ddim", "--install"]].concat();
    assert_success(&run.sd(&install));
    let found: Value = serde_json::from_slice(&fs::read(run.path("model/tuned/3.json")).unwrap()).unwrap();
    assert!(found["held_out"]["after"].as_f64() < found["held_out"]["before"].as_f64(), "{found}");
    assert_refused(&run.sd(&["tune", "--steps", "3", "--install"]), "--model");
    assert_refused(&run.sd(&["tune", "--steps", "3", "--install", "--model", "missing"]), "--install missing");
}

#[test]
fn what_cannot_be_tuned_is_refused() {
    let run = Run::new();
    let refused = |flags: &[&str], reason: &str| {
        assert_refused(&run.sd(&[&["tune", "--steps", "3", "--output", "x.json"], flags].concat()), reason);
    };
    refused(&["--sampler", "euler-a"], "--sampler euler-a: it draws fresh noise");
    refused(&["--sampler", "pf"], "--sampler pf");
    refused(&["--sampler", "unipc", "--weights"], "--weights are for ipndm");
    refused(&["--output", "x.png"], "--output x.png: its name must end in .json");
    refused(&["--steps", "1"], "--steps");
    fs::write(run.path("x.json.unfinished"), "{}").unwrap();
    let model = MODEL.path().to_str().unwrap();
    refused(&["--model", model, "--progress", "none"], "x.json.unfinished: the unfinished search of other settings");
}

#[test]
fn a_schedule_of_another_sampler_or_no_schedule_at_all_is_refused() {
    let run = Run::new();
    let found = tuned(&run, "three.json", &["--sampler", "ipndm"]);
    let model = ["--model", MODEL.path().to_str().unwrap(), "--prompt", "", "--schedule"];
    let refused = |flags: &[&str], reason: &str| {
        assert_refused(&run.sd(&[&["generate"], &model[..], flags].concat()), reason);
    };
    refused(&["three.json", "--sampler", "unipc"], "it is for the sampler ipndm");
    refused(&["three.json", "--steps", "4"], "--steps 4, but --schedule lists 3");
    refused(&["missing.json"], "missing.json");
    fs::write(run.path("other.json"), found.to_string().replace("\"version\":1", "\"version\":7")).unwrap();
    refused(&["other.json"], "version 7");
}
