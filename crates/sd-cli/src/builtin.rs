//! The model that is part of the program, if it was built with the feature `scenes`.

use std::path::{Path, PathBuf};

use sd_pipeline::Error;
use tempfile::TempDir;

use crate::progress::Progress;

#[cfg(feature = "scenes")]
pub use sd_scenes_model::{GUIDANCE, STEPS};

#[cfg(not(feature = "scenes"))]
pub const STEPS: usize = 50;
#[cfg(not(feature = "scenes"))]
pub const GUIDANCE: f64 = 7.5;

/// The folder of a model.
pub enum Folder {
    Named(PathBuf),
    /// Of the built-in model, and removed when it is dropped.
    Builtin(TempDir),
}

impl Folder {
    /// The one that `--model` names, or else the built-in model's.
    pub fn of(model: Option<&Path>) -> Result<Self, Error> {
        model.map_or_else(unpack, |folder| Ok(Self::Named(folder.to_path_buf())))
    }

    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Builtin(folder) => folder.path(),
        }
    }

    /// What a person calls it.
    pub fn name(&self) -> String {
        match self {
            Self::Named(path) => path.display().to_string(),
            Self::Builtin(_) => "the built-in model".into(),
        }
    }
}

#[cfg(feature = "scenes")]
fn unpack() -> Result<Folder, Error> {
    let folder = sd_scenes_model::unpack();
    folder.map(Folder::Builtin).map_err(|source| Error::Io { file: std::env::temp_dir(), source })
}

#[cfg(not(feature = "scenes"))]
fn unpack() -> Result<Folder, Error> {
    let reason = "--model is missing: this program was built without the feature `scenes`, the built-in model";
    Err(Error::Request(reason.into()))
}

/// Says once which words the model has never seen.
pub fn warn_of_unknown_words(words: &[String], progress: &Progress) {
    if !words.is_empty() {
        progress.warn(&format!(
            "the built-in model of landscapes has never seen {}; `--model FOLDER` draws with a full Stable Diffusion",
            words.join(", ")
        ));
    }
}
