//! Models of the hub, without one: what is in the cache, and what is said if there is nothing.

use std::path::Path;
use std::process::Output;

use crate::{MODEL, Run, assert_drawn, stderr};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

fn generate(run: &Run, model: &str, flags: &[&str]) -> Output {
    let all = ["generate", "--model", model, "--steps", "2", "--width", "32", "--height", "32", "--prompt", "a house"];
    let mut command = run.command(&[&all[..], &["--seed", "1"], flags].concat());
    command.env("HF_HOME", run.path("home")).env("HF_ENDPOINT", NOWHERE);
    for name in ["HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_model_in_the_cache_is_drawn_with_by_its_name() {
    let run = Run::new();
    let repository = run.path("home/hub/models--tiny--sd1");
    copy(MODEL.path(), &repository.join("snapshots").join(COMMIT));
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::write(repository.join("refs/main"), COMMIT).unwrap();
    let local = generate(&run, MODEL.path().to_str().unwrap(), &["--output", "local.png"]);
    assert_drawn(&local);
    for model in ["tiny/sd1", &format!("tiny/sd1@{COMMIT}")] {
        assert_drawn(&generate(&run, model, &["--output", "hub.png"]));
        assert_eq!(run.read("hub.png"), run.read("local.png"), "{model}");
    }
}

#[test]
fn what_is_neither_here_nor_in_the_cache_is_named() {
    let run = Run::new();
    let output = generate(&run, "tiny/sd1", &[]);
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    for part in ["--model tiny/sd1: no such folder or file here", "the hub cannot be reached", "Connection refused"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(error.lines().count(), 1, "{error}");
}

/// What could be no name of the hub's is a path.
#[test]
fn a_path_is_not_looked_for_on_the_hub() {
    let run = Run::new();
    for model in ["nothing", "./tiny/sd1", "../tiny"] {
        let error = stderr(&generate(&run, model, &[]));
        assert!(error.contains("no such folder or file") && !error.contains("hub"), "{error}");
    }
}
