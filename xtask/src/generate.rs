use std::path::{Component, Path};
use std::process::{Command, ExitCode};

use crate::cargo::{self, cargo, root, target};

/// Backends with a feature of `sd`; flex is always built in.
const BACKENDS: [&str; 6] = ["ndarray", "wgpu", "vulkan", "metal", "cuda", "rocm"];

/// The flags whose values may be names of models on the hub.
const HUB_FLAGS: [&str; 4] = ["--model", "--refiner", "--control", "--image-prompt"];

/// Builds what of `sd` these flags need, and runs `sd generate` with them.
///
/// It runs in the caller's folder, so that relative paths keep their meaning.
fn build_and_run(flags: &[String]) -> Result<ExitCode, String> {
    let mut build = cargo();
    build.args(["build", "--profile", "quick", "--package", "sd-cli", "--no-default-features", "--features"]);
    match build.arg(features(flags).join(",")).current_dir(root()).status() {
        Ok(status) if status.success() => {}
        Ok(_) => return Err("building `sd` failed, see above".into()),
        Err(error) => return Err(format!("cargo: {error}")),
    }
    let program = target().join("quick").join(format!("sd{}", std::env::consts::EXE_SUFFIX));
    Ok(cargo::run(Command::new(program).arg("generate").args(flags)))
}

pub fn run(flags: &[String]) -> ExitCode {
    build_and_run(flags).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// The features of `sd` that these flags need. Training, the server and the rest would take as long to build again.
fn features(flags: &[String]) -> Vec<&'static str> {
    let mut features = vec!["flex", "scenes"];
    let backend = values(flags, "--device").next_back().and_then(|device| device.split(':').next());
    features.extend(backend.and_then(|backend| BACKENDS.into_iter().find(|known| *known == backend)));
    if HUB_FLAGS.iter().any(|flag| values(flags, flag).any(may_be_on_the_hub)) {
        features.push("hub");
    }
    features
}

/// The values of a flag, in `--flag VALUE` and `--flag=VALUE`.
fn values<'a>(flags: &'a [String], name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
    flags.iter().enumerate().filter_map(move |(i, flag)| match flag.strip_prefix(name)? {
        "" => flags.get(i + 1).map(String::as_str),
        rest => rest.strip_prefix('='),
    })
}

/// Whether a value may be the name of a model, `owner/name`: a path of two parts or more that is not there.
fn may_be_on_the_hub(value: &str) -> bool {
    let path = Path::new(value);
    let mut parts = path.components();
    parts.clone().count() >= 2 && parts.all(|part| matches!(part, Component::Normal(_))) && !path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flags: &[&str]) -> Vec<&'static str> {
        features(&flags.iter().map(|flag| flag.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn the_backend_is_found_in_every_form_of_the_flag() {
        assert_eq!(of(&["--steps", "3", "--device", "wgpu"]), ["flex", "scenes", "wgpu"]);
        assert_eq!(of(&["--device=cuda:1", "--steps", "3"]), ["flex", "scenes", "cuda"]);
        assert_eq!(of(&["--prompt", "wgpu"]), ["flex", "scenes"]);
    }

    #[test]
    fn a_name_on_the_hub_needs_the_hub_and_a_path_does_not() {
        let hub = ["flex", "scenes", "hub"];
        assert_eq!(of(&["--model", "owner/name"]), hub);
        assert_eq!(of(&["--control=owner/name/file@main"]), hub);
        for other in [["--model", "a-folder"], ["--model", "./owner/name"], ["--model", "/owner/name"]] {
            assert_eq!(of(&other), ["flex", "scenes"], "{other:?}");
        }
        assert_eq!(of(&["--model", "src/main.rs", "--output", "owner/name"]), ["flex", "scenes"]);
    }
}
