use std::fmt::Display;

use sd_device::{DeviceError, one_line};
use sd_image::ImageError;
use sd_model::{Field, ModelError, RequestError};
use sd_schedule::ScheduleError;
use sd_weights::WeightsError;

/// Why an image could not be drawn: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An image cannot be read or written.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The model cannot be opened or loaded.
    #[error(transparent)]
    Model(ModelError),
    /// The number of steps does not fit the model's noise schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A request that cannot be drawn.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A device that is unknown, not compiled in or not there.
    #[error(transparent)]
    Device(DeviceError),
    /// Embeddings that the model does not accept.
    #[error("{0}")]
    Embeddings(String),
    /// Images or latents that the autoencoder does not accept.
    #[error("{0}")]
    Autoencoder(String),
    /// The latents contain infinities or NaN.
    #[error(
        "the latents are not finite after network call {call} of {calls}: no image is written; try `dtype` f32, and if it is f32 already, check the weights"
    )]
    NotFinite {
        /// The network call, from 1.
        call: usize,
        /// How many there would have been.
        calls: usize,
    },
    /// The decoded image contains infinities or NaN.
    #[error(
        "the autoencoder's image is not finite: no image is written; try `dtype` f32, and if it is f32 already, check its weights"
    )]
    NotFiniteImage,
    /// A callback ended the drawing.
    #[error("cancelled after {what} {call} of {calls}")]
    Cancelled {
        /// What is counted: "network call" or "step".
        what: &'static str,
        /// The last one, from 1.
        call: usize,
        /// How many there would have been.
        calls: usize,
    },
    /// The device failed, with its driver's message.
    #[error(
        "the device failed: {0}; what was finished is kept: try something smaller, half precision, or the processor (flex)"
    )]
    Backend(String),
}

impl Error {
    pub(crate) fn request(field: Field, reason: impl Into<String>) -> Self {
        Self::Request(RequestError::new(field, reason))
    }

    pub(crate) fn backend(message: impl Display) -> Self {
        Self::Backend(one_line(&message.to_string()))
    }

    /// Whether the request itself is at fault, rather than the files or the machine.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Model(error) => error.is_usage(),
            Self::Request(_) | Self::Embeddings(_) | Self::Autoencoder(_) | Self::Device(_) | Self::Schedule(_) => true,
            _ => false,
        }
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

/// A request that the model refuses when it is opened stays an error of the request.
impl From<ModelError> for Error {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Request(error) => Self::Request(error),
            error => Self::Model(error),
        }
    }
}

impl From<WeightsError> for Error {
    fn from(error: WeightsError) -> Self {
        Self::Model(error.into())
    }
}
