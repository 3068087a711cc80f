//! The program as a user runs it.

mod bad_input;
#[cfg(feature = "scenes")]
mod batch;
mod builtin;
mod control;
mod control_files;
mod convert;
mod devices;
mod drawing;
mod editing;
#[cfg(feature = "evaluate")]
mod evaluation;
mod expand;
#[cfg(all(feature = "wgpu", target_os = "linux"))]
mod failing_driver;
mod fast;
mod guidance;
#[cfg(feature = "hub")]
mod hub;
mod int8;
mod inversion;
mod machine;
#[cfg(all(feature = "nats", feature = "scenes", target_os = "linux"))]
mod many_machines;
mod metadata;
mod model;
mod outputs;
mod plan;
mod preprocess;
mod prompt_files;
mod prompts;
mod regions;
#[cfg(all(feature = "scenes", feature = "evaluate"))]
mod samplers;
#[cfg(all(feature = "scenes", feature = "serve"))]
mod sdapi;
mod seeds;
#[cfg(feature = "serve")]
mod serving;
mod tokens;
#[cfg(feature = "train")]
mod training;
#[cfg(feature = "tune")]
mod tuning;
mod upscale;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use sd_golden::{Kind, TinyModel};
use sd_image::Texts;
use sd_pipeline::Image;
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

    /// Draws with the tiny model from seed 1, unless the flags name another.
    #[track_caller]
    fn draw(&self, flags: &[&str]) -> Drawn {
        self.drawn(&self.generate(&[&["--seed", "1"], flags].concat()))
    }

    /// What a run of `sd generate` has drawn.
    #[track_caller]
    fn drawn(&self, output: &Output) -> Drawn {
        assert_drawn(output);
        let file = self.path("out.png");
        let drawn = Drawn { image: Image::read(&file).unwrap(), file: self.read("out.png"), warnings: stderr(output) };
        std::fs::remove_file(file).unwrap();
        drawn
    }

    /// Checks that an image is refused in one line with all these words, and that no file is left.
    #[track_caller]
    fn refuses(&self, flags: &[&str], words: &[&str]) {
        let before = self.files();
        let output = self.generate(flags);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {message}");
        assert!(message.starts_with("error: "), "{flags:?}: {message}");
        // Those of the parser of flags have a hint below.
        assert!(message.trim_end().lines().count() == 1 || message.contains("try '--help'"), "{flags:?}: {message}");
        assert!(words.iter().all(|word| message.contains(word)), "{words:?} in {message}");
        assert_eq!(self.files(), before, "{flags:?}");
    }

    /// Names of the files in the folder.
    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The pixels of an image in the folder.
    fn image(&self, name: &str) -> Image {
        Image::read(self.path(name)).unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }
}

/// An image, and what was said about it.
struct Drawn {
    image: Image,
    /// The whole PNG, with its settings.
    file: Vec<u8>,
    warnings: String,
}

impl Drawn {
    /// The settings that are written in the file.
    fn settings(&self) -> String {
        settings(&self.file)
    }

    /// The largest difference to the pixels of another image.
    fn difference(&self, other: &Self) -> u8 {
        let pairs = self.image.rgb.iter().zip(&other.image.rgb);
        pairs.map(|(a, b)| a.abs_diff(*b)).max().expect("an image has pixels")
    }
}

/// The settings that a file has.
fn settings(file: &[u8]) -> String {
    Texts::read(file).get("parameters").expect("no settings").to_string()
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
