use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::{Field, RequestError};
use sd_clip::TokenizerError;
use sd_device::{DType, DeviceError, one_line};
use sd_schedule::ScheduleError;
use sd_weights::WeightsError;

/// Why an image could not be drawn: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// An image file cannot be used.
    #[error("{}: {reason}", file.display())]
    Image {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A config file is not JSON, lacks a key, or holds a value that is not supported.
    #[error("{}: {reason}", file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// The key, what it was expected to be and what it is.
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
    /// The number of steps does not fit the model's noise schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A request that cannot be drawn.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A device that is unknown, not compiled in or not there.
    #[error(transparent)]
    Device(DeviceError),
    /// A device that does not compute in a precision.
    #[error("{device} does not compute in {dtype}: use `dtype` {}", available(precisions))]
    Precision {
        /// The device.
        device: String,
        /// What it lacks.
        dtype: DType,
        /// What it has.
        precisions: Vec<DType>,
    },
    /// Embeddings that the model does not take.
    #[error("{0}")]
    Embeddings(String),
    /// Images or latents that the autoencoder does not take.
    #[error("{0}")]
    Autoencoder(String),
    /// A tensor is larger than any that the device can have.
    #[error(
        "about {needed:.2} GB of memory are needed for one tensor, but {device} has {available:.2} GB for it: {remedy}"
    )]
    Memory {
        /// What it would take, in units of 10⁹ bytes.
        needed: f64,
        /// What a tensor can have at most, likewise.
        available: f64,
        /// The device's name.
        device: String,
        /// What to do about it.
        remedy: String,
    },
    /// The latents became infinite or not a number.
    #[error(
        "the latents are not finite after network call {call} of {calls}: no image is written; try `dtype` f32, and if it is f32 already, check the weights"
    )]
    NotFinite {
        /// The network call, from 1.
        call: usize,
        /// How many there would have been.
        calls: usize,
    },
    /// The decoded image holds numbers that are infinite or not a number.
    #[error(
        "the autoencoder's image is not finite: no image is written; try `dtype` f32, and if it is f32 already, check its weights"
    )]
    NotFiniteImage,
    /// The watcher asked to stop.
    #[error("cancelled after {what} {call} of {calls}")]
    Cancelled {
        /// What is counted: "network call", or "megabyte" of weights that are written.
        what: &'static str,
        /// Which one was the last, from 1.
        call: usize,
        /// How many there would have been.
        calls: usize,
    },
    /// The device failed, in the words of its driver.
    #[error(
        "the device failed: {0}; what was finished is kept: try something smaller, half precision, or the processor (flex)"
    )]
    Backend(String),
}

impl Error {
    pub(crate) fn request(field: Field, reason: impl Into<String>) -> Self {
        Self::Request(RequestError::new(field, reason))
    }

    /// What makes an error of what the system says of a file.
    pub(crate) fn io(file: &Path) -> impl Fn(std::io::Error) -> Self {
        |source| Self::Io { file: file.to_path_buf(), source }
    }

    pub(crate) fn backend(words: impl Display) -> Self {
        Self::Backend(one_line(&words.to_string()))
    }

    /// Whether the request itself is at fault, rather than the files or the machine.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Request(_)
                | Self::Embeddings(_)
                | Self::Autoencoder(_)
                | Self::Device(_)
                | Self::Precision { .. }
                | Self::Schedule(_)
        )
    }
}

impl From<DeviceError> for Error {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Driver(reason) => Self::Backend(reason),
            error => Self::Device(error),
        }
    }
}

fn available(precisions: &[DType]) -> String {
    precisions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}
