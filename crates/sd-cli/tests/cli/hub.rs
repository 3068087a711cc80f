//! Models of the hub, without a hub: from the cache, or with an error.

use std::path::Path;
use std::process::Output;

use crate::{MODEL, Run, assert_drawn, settings, stderr};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// An address where nobody listens.
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
fn a_model_in_the_cache_draws_by_its_name() {
    let run = Run::new();
    let repository = run.path("home/hub/models--tiny--sd1");
    copy(MODEL.path(), &repository.join("snapshots").join(COMMIT));
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::write(repository.join("refs/main"), COMMIT).unwrap();
    let local = generate(&run, MODEL.path().to_str().unwrap(), &["--output", "local.png"]);
    assert_drawn(&local);
    for model in ["tiny/sd1", &format!("tiny/sd1@{COMMIT}")] {
        assert_drawn(&generate(&run, model, &["--output", "hub.png"]));
        assert!(run.image("hub.png") == run.image("local.png"), "{model}");
        assert!(settings(&run.read("hub.png")).contains("Model: tiny/sd1,"), "{model}");
    }
}

#[test]
fn a_model_that_is_neither_here_nor_in_the_cache_is_named() {
    let run = Run::new();
    let output = generate(&run, "tiny/sd1", &[]);
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    for part in ["--model tiny/sd1: no such folder or file here", "the hub cannot be reached", "Connection refused"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(error.lines().count(), 1, "{error}");
}

/// What cannot be a name on the hub is a path.
#[test]
fn a_path_is_not_looked_for_on_the_hub() {
    let run = Run::new();
    for model in ["nothing", "./tiny/sd1", "../tiny"] {
        let error = stderr(&generate(&run, model, &[]));
        assert!(error.contains("no such folder or file") && !error.contains("hub"), "{error}");
    }
}

/// A hub that accepts connections and never answers.
fn silent() -> (std::net::TcpListener, String) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    (listener, address)
}

fn cached(run: &Run) {
    let repository = run.path("home/hub/models--tiny--sd1");
    copy(MODEL.path(), &repository.join("snapshots").join(COMMIT));
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::write(repository.join("refs/main"), COMMIT).unwrap();
}

/// `sd generate` with a model of the hub, without settings from the environment.
fn hub_command(run: &Run, variables: &[(&str, &str)]) -> std::process::Command {
    let flags = ["generate", "--model", "tiny/sd1", "--steps", "1", "--width", "32", "--height", "32", "--prompt", "x"];
    let mut command = run.command(&flags);
    for name in ["HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"] {
        command.env_remove(name);
    }
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.env("HF_HOME", run.path("home")).envs(variables.iter().copied());
    command
}

#[test]
fn the_cache_is_used_if_the_hub_or_a_proxy_is_silent() {
    let (_listener, address) = silent();
    let (hub, proxy) = (format!("http://{address}"), format!("http://{address}"));
    for variables in [
        &[("HF_ENDPOINT", &hub[..])][..],
        &[("HF_ENDPOINT", "https://hub.invalid"), ("HTTPS_PROXY", &proxy)],
        &[("HF_ENDPOINT", "http://hub.invalid"), ("HTTP_PROXY", &proxy)],
    ] {
        let variables = [variables, &[("HF_HUB_ETAG_TIMEOUT", "0.5")]].concat();
        let run = Run::new();
        let error = stderr(&hub_command(&run, &variables).output().unwrap());
        assert!(error.contains("cannot be reached (nothing was heard for 0.5 s), and the model is not in"), "{error}");
        cached(&run);
        let output = hub_command(&run, &variables).output().unwrap();
        assert_drawn(&output);
        let warning = stderr(&output);
        assert!(warning.contains("warning: the hub cannot be reached (nothing was heard for 0.5 s)"), "{warning}");
    }
    // NO_PROXY is followed.
    let variables = [("HF_ENDPOINT", NOWHERE), ("HTTP_PROXY", &proxy), ("NO_PROXY", "127.0.0.1")];
    let error = stderr(&hub_command(&Run::new(), &variables).output().unwrap());
    assert!(error.contains("Connection refused"), "{error}");
    let error = stderr(&hub_command(&Run::new(), &[("HF_HUB_ETAG_TIMEOUT", "soon")]).output().unwrap());
    assert!(error.contains("HF_HUB_ETAG_TIMEOUT=soon: expected seconds"), "{error}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_wait_for_a_silent_hub() {
    use std::process::{Command, Stdio};

    let (listener, address) = silent();
    let run = Run::new();
    // An hour, for which no test waits.
    let variables = [("HF_ENDPOINT", &format!("http://{address}")[..]), ("HF_HUB_ETAG_TIMEOUT", "3600")];
    let child = hub_command(&run, &variables).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _question = listener.accept().unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("error: cancelled"), "{}", stderr(&output));
}
