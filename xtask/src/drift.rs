use std::process::ExitCode;

use crate::cargo::{self, cargo, root};

/// Prints how far other backends and precisions drift from the CPU in single precision.
pub fn run(flags: &[String]) -> ExitCode {
    let mut command = cargo();
    command.args(["run", "--release", "--package", "sd-benches", "--bin", "drift"]).current_dir(root());
    let rest = match flags {
        [features, rest @ ..] if !features.starts_with('-') => {
            command.args(["--features", features]);
            rest
        }
        rest => rest,
    };
    cargo::run(command.arg("--").args(rest))
}
