use std::fmt;
use std::path::PathBuf;

use sd_image::ImageError;
use sd_pipeline::{DeviceError, Error, ModelError, RequestError};
use sd_upscale::UpscaleError;

use crate::Kind;

/// Why a job cannot be drawn: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The request cannot be drawn, or the drawing failed.
    #[error(transparent)]
    Pipeline(#[from] Error),
    /// The request of a further pass cannot be drawn, or its drawing failed.
    #[error("{pass}: {source}")]
    Pass {
        /// The pass.
        pass: Pass,
        /// Why.
        source: Error,
    },
    /// A network beside the model cannot be opened.
    #[error("`{field}` {source}")]
    Network {
        /// The field of the job that names it.
        field: &'static str,
        /// Why.
        source: Error,
    },
    /// The network that enlarges images.
    #[error(transparent)]
    Upscale(#[from] UpscaleError),
    /// A folder of the library.
    #[error("`{}` {}: expected a folder; found {source}: name a folder of files", kind.folder(), folder.display())]
    Folder {
        /// What it should have.
        kind: Kind,
        /// Its path.
        folder: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// A name that the library has not.
    #[error("the job names the {kind} {name:?}, which is not in `{}` {}: {}", kind.folder(), folder.display(), list(there))]
    Unknown {
        /// What it should be.
        kind: Kind,
        /// The name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// The names there are.
        there: Vec<String>,
    },
    /// A name of a kind that the library has no folder for.
    #[error("the job names the {kind} {name:?}: give its folder with `{}`", kind.folder())]
    NoFolder {
        /// What it should be.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// No model is named, and the library has no default.
    #[error("`model` is missing: name one, or use a program with the built-in model (feature `scenes`)")]
    NoModel,
    /// A file cannot be read for its hash.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A value of the job that makes no sense.
    #[error("{0}")]
    Job(String),
}

/// A pass after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pass {
    /// The second one, at a larger size.
    Hires,
    /// The last steps.
    Refiner,
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hires => "hires",
            Self::Refiner => "refiner",
        })
    }
}

/// How many names a message lists.
const SHOWN: usize = 20;

fn list(names: &[String]) -> String {
    let more = if names.len() > SHOWN { ", …" } else { "" };
    match names.is_empty() {
        true => "it has none".into(),
        false => format!("it has {}{more}", names[..names.len().min(SHOWN)].join(", ")),
    }
}

impl EngineError {
    /// Whether the job itself is at fault, rather than the files or the machine.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Pipeline(error) | Self::Pass { source: error, .. } | Self::Network { source: error, .. } => {
                error.is_usage()
            }
            Self::Upscale(error) => error.is_usage(),
            Self::Folder { .. } | Self::Unknown { .. } | Self::NoFolder { .. } | Self::NoModel | Self::Job(_) => true,
            Self::Io { .. } => false,
        }
    }

    /// Whether a callback ended the drawing.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Pipeline(error) | Self::Pass { source: error, .. } => matches!(error, Error::Cancelled { .. }),
            Self::Upscale(error) => error.is_cancelled(),
            _ => false,
        }
    }

    /// Whether the device failed, so that it should be opened anew.
    pub fn is_device_failure(&self) -> bool {
        matches!(self, Self::Pipeline(Error::Backend(_)) | Self::Pass { source: Error::Backend(_), .. })
    }
}

impl From<ModelError> for EngineError {
    fn from(error: ModelError) -> Self {
        Error::from(error).into()
    }
}

impl From<RequestError> for EngineError {
    fn from(error: RequestError) -> Self {
        Error::from(error).into()
    }
}

impl From<DeviceError> for EngineError {
    fn from(error: DeviceError) -> Self {
        Error::from(error).into()
    }
}

impl From<ImageError> for EngineError {
    fn from(error: ImageError) -> Self {
        Error::from(error).into()
    }
}

impl From<sd_pipeline::WeightsError> for EngineError {
    fn from(error: sd_pipeline::WeightsError) -> Self {
        Error::from(error).into()
    }
}
