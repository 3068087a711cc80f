//! The program as a user runs it.

mod bad_input;
mod builtin;
mod convert;
mod devices;
mod drawing;
mod editing;
#[cfg(feature = "evaluate")]
mod evaluation;
#[cfg(all(feature = "wgpu", target_os = "linux"))]
mod failing_driver;
#[cfg(feature = "hub")]
mod hub;
mod inversion;
mod machine;
mod model;
mod outputs;
mod plan;
#[cfg(all(feature = "scenes", feature = "evaluate"))]
mod samplers;
mod seeds;
mod training;
mod upscale;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use sd_golden::{Kind, TinyModel};
use tempfile::TempDir;

/// A tiny model, shared by all tests and never changed.
static MODEL: LazyLock<TinyModel> = LazyLock::new(|| TinyModel::new(Kind::Sd1));

/// An empty folder to run in.
struct Run {
    folder: TempDir,
}

impl Run {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `sd` in this folder.
    fn sd(&self, flags: &[&str]) -> Output {
        self.command(flags).output().unwrap()
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sd"));
        // Some drivers complain if this is not set.
        command.args(flags).current_dir(self.folder.path()).env("XDG_RUNTIME_DIR", self.folder.path());
        command
    }

    /// Runs `sd generate` with a model, two steps at half the size, and these flags.
    fn generate_with(&self, model: &Path, flags: &[&str]) -> Output {
        let model = model.to_str().unwrap();
        let mut all = vec!["generate", "--model", model, "--steps", "2", "--width", "32", "--height", "32"];
        if !flags.contains(&"--prompt") {
            all.extend(["--prompt", "a red house"]);
        }
        all.extend(flags);
        self.sd(&all)
    }

    fn generate(&self, flags: &[&str]) -> Output {
        self.generate_with(MODEL.path(), flags)
    }

    /// Names of the files in the folder.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn assert_drawn(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}
