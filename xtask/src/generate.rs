use std::process::{Command, ExitCode};

use crate::cargo::{self, cargo, root, target};

/// Backends with a feature of `sd`; flex is always built in.
const BACKENDS: [&str; 6] = ["ndarray", "wgpu", "vulkan", "metal", "cuda", "rocm"];

/// Builds `sd` in release mode with the backend of `--device`, and runs `sd generate` with all flags.
///
/// It runs in the caller's folder, so that relative paths keep their meaning.
fn build_and_run(flags: &[String]) -> Result<ExitCode, String> {
    let mut build = cargo();
    build.args(["build", "--release", "--package", "sd-cli"]).current_dir(root());
    if let Some(feature) = device(flags).and_then(|device| BACKENDS.into_iter().find(|known| *known == device)) {
        build.args(["--features", feature]);
    }
    match build.status() {
        Ok(status) if status.success() => {}
        Ok(_) => return Err("building `sd` failed, see above".into()),
        Err(error) => return Err(format!("cargo: {error}")),
    }
    let program = target().join("release").join(format!("sd{}", std::env::consts::EXE_SUFFIX));
    Ok(cargo::run(Command::new(program).arg("generate").args(flags)))
}

pub fn run(flags: &[String]) -> ExitCode {
    build_and_run(flags).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// The backend in `--device BACKEND`, `--device=BACKEND` or `--device BACKEND:1`.
fn device(flags: &[String]) -> Option<&str> {
    let mut values = flags.iter().enumerate().filter_map(|(i, flag)| match flag.strip_prefix("--device")? {
        "" => flags.get(i + 1).map(String::as_str),
        rest => rest.strip_prefix('='),
    });
    values.next_back()?.split(':').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backend_is_found_in_every_form_of_the_flag() {
        let backend =
            |flags: &[&str]| device(&flags.iter().map(|f| f.to_string()).collect::<Vec<_>>()).map(str::to_string);
        assert_eq!(backend(&["--steps", "3", "--device", "wgpu"]).as_deref(), Some("wgpu"));
        assert_eq!(backend(&["--device=cuda:1", "--steps", "3"]).as_deref(), Some("cuda"));
        assert_eq!(backend(&["--prompt", "wgpu"]), None);
    }
}
