use std::process::ExitCode;

use crate::cargo::{self, cargo, root};

/// Measures all samplers and writes the report into `docs`. The report is reproducible.
pub fn run(flags: &[String]) -> ExitCode {
    cargo::run(cargo().args(["run", "--release", "--package", "sd-report"]).args(flags).current_dir(root()))
}
