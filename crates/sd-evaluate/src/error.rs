use std::path::{Path, PathBuf};

use sd_train::TrainError;
use sd_weights::WeightsError;

/// Why an evaluation failed: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A file cannot be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A JSON file is damaged, or of another version.
    #[error("{}: {reason}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The classifier's weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The classifier cannot be trained.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// An image cannot be drawn.
    #[error(transparent)]
    Pipeline(#[from] sd_pipeline::Error),
    /// The request cannot be measured.
    #[error("{0}")]
    Request(String),
    /// The watcher asked to stop.
    #[error("cancelled; finished measurements are kept")]
    Cancelled,
    /// The watcher asked to stop a training.
    #[error("stopped after step {step}; the same command resumes from there")]
    Stopped {
        /// Steps made, all of which are in the checkpoint.
        step: u64,
    },
}

impl EvaluateError {
    /// Whether the watcher asked to stop.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Stopped { .. })
    }

    /// Whether the request itself is at fault, rather than the files or the machine.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Request(_) => true,
            Self::Pipeline(error) => error.is_usage(),
            _ => false,
        }
    }

    pub(crate) fn io(file: &Path) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { file: file.to_path_buf(), source }
    }

    pub(crate) fn json(file: &Path) -> impl Fn(serde_json::Error) -> Self {
        move |error| Self::Json { file: file.to_path_buf(), reason: error.to_string() }
    }
}
