use std::path::{Path, PathBuf};

use sd_clip::TokenizerError;
use sd_image::ImageError;
use sd_train::TrainError;
use sd_weights::WeightsError;

/// Why a training failed: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A file cannot be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The recipe is not TOML, has an unknown key, or an impossible value.
    #[error("{}: {reason}", file.display())]
    Recipe {
        /// The recipe.
        file: PathBuf,
        /// The line, the key, and what was expected and found.
        reason: String,
    },
    /// A text is not UTF-8.
    #[error("{}: {reason}", file.display())]
    Text {
        /// The file.
        file: PathBuf,
        /// Its encoding, if it can be recognised.
        reason: String,
    },
    /// There is nothing to train on.
    #[error("{}: {reason}", folder.display())]
    Data {
        /// The folder of images.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A step cannot be made, or a checkpoint cannot be read or written.
    #[error("{error}{kept}")]
    Train {
        /// The cause.
        error: TrainError,
        /// Names the last good checkpoint, if there is one.
        kept: String,
    },
    /// A model folder cannot be read, or drawn with.
    #[error(transparent)]
    Model(#[from] sd_pipeline::Error),
    /// An image cannot be read or written.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Weights cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The watcher asked to stop.
    #[error("stopped after step {step}; the same command resumes from there")]
    Cancelled {
        /// Steps made, all of which are in the checkpoint.
        step: u64,
    },
    /// The watcher asked to stop before the steps, or after them.
    #[error("stopped while {what}; the same command resumes from there")]
    Interrupted {
        /// The name of the work that was going on.
        what: &'static str,
    },
}

impl RecipeError {
    /// Wraps an error of the operating system with its file.
    pub(crate) fn io(file: &Path) -> impl Fn(std::io::Error) -> Self + '_ {
        |source| Self::Io { file: file.to_path_buf(), source }
    }

    /// Whether the watcher asked to stop.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. } | Self::Interrupted { .. })
    }

    /// Whether the recipe itself is at fault, rather than the files or the machine.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Recipe { .. } | Self::Text { .. } | Self::Data { .. } => true,
            Self::Model(error) => error.is_usage(),
            _ => false,
        }
    }
}

impl From<sd_model::ModelError> for RecipeError {
    fn from(error: sd_model::ModelError) -> Self {
        sd_pipeline::Error::from(error).into()
    }
}

impl From<sd_model::RequestError> for RecipeError {
    fn from(error: sd_model::RequestError) -> Self {
        sd_pipeline::Error::from(error).into()
    }
}
