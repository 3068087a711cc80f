use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The top folder of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the project")
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that started this program.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command and returns its exit code.
pub fn run(command: &mut Command) -> ExitCode {
    match command.status() {
        // A program killed by a signal has no code.
        Ok(status) => ExitCode::from(status.code().map_or(1, |code| code as u8)),
        Err(error) => {
            eprintln!("error: {}: {error}", command.get_program().to_string_lossy());
            ExitCode::FAILURE
        }
    }
}
