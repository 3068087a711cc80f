use std::path::{Path, PathBuf};

use sd_clip::TokenizerError;
use sd_device::DType;
use sd_weights::WeightsError;

use crate::request_error::{Field, RequestError};

/// Why a model cannot be opened, converted or loaded: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file cannot be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A config file is not JSON, lacks a key, or holds a value that is not supported.
    #[error("{}: {reason}", file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// The key, its value, and what was expected.
        reason: String,
    },
    /// The folder is not a model in the diffusers layout.
    #[error("{}: {reason}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The tokenizer's files cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The model cannot be opened as requested.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A device does not compute in a precision.
    #[error("{device} does not compute in {dtype}: use `dtype` {}", available(precisions))]
    Precision {
        /// The device.
        device: String,
        /// The unsupported precision.
        dtype: DType,
        /// The supported precisions.
        precisions: Vec<DType>,
    },
    /// A tensor is larger than the device allows.
    #[error(
        "about {needed:.2} GB of memory are needed for one tensor, but {device} has {available:.2} GB for it: {remedy}"
    )]
    Memory {
        /// Memory that the tensor needs, in units of 10⁹ bytes.
        needed: f64,
        /// Largest size of a tensor, in the same units.
        available: f64,
        /// The device's name.
        device: String,
        /// What to do about it.
        remedy: String,
    },
    /// The watcher of a conversion stopped it.
    #[error("cancelled after megabyte {written} of {total}")]
    Cancelled {
        /// Megabytes of weights written so far.
        written: usize,
        /// Megabytes in all.
        total: usize,
    },
}

impl ModelError {
    pub(crate) fn request(field: Field, reason: impl Into<String>) -> Self {
        Self::Request(RequestError::new(field, reason))
    }

    /// Whether the request is at fault, rather than the files or the machine.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Request(_) | Self::Precision { .. })
    }

    /// Returns a function that makes a system's error one about `file`.
    pub(crate) fn io(file: &Path) -> impl Fn(std::io::Error) -> Self {
        |source| Self::Io { file: file.to_path_buf(), source }
    }
}

fn available(precisions: &[DType]) -> String {
    precisions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}
