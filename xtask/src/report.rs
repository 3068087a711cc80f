use std::process::ExitCode;

use crate::cargo::{self, cargo, root};

/// Measures all samplers and writes the report on them into `docs`: the same every time, until something changes.
pub fn run(flags: &[String]) -> ExitCode {
    cargo::run(cargo().args(["run", "--release", "--package", "sd-report"]).args(flags).current_dir(root()))
}
