use std::path::PathBuf;

use sd_engine::EngineError;
use sd_image::ImageError;

/// Why a batch cannot be drawn: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A file or a folder cannot be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A manifest has no jobs, or no header.
    #[error("{}: {reason}", file.display())]
    Manifest {
        /// The manifest.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of a manifest is no job.
    #[error("{}, line {line}: {reason}", file.display())]
    Line {
        /// The manifest.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A line of a manifest names a model that is unknown, or cannot be read.
    #[error("{}, line {line}: {source}", file.display())]
    Model {
        /// The manifest.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: Box<EngineError>,
    },
    /// An option has a wrong value.
    #[error("`{option}` {reason}")]
    Option {
        /// The option.
        option: &'static str,
        /// What is wrong with its value, what was expected, and what to do.
        reason: String,
    },
    /// A drawn image cannot be read for the contact sheet.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The device of a worker is lost, so that it cannot draw any more.
    #[error("the device failed: {0}: start the worker again")]
    Device(String),
    /// A server of NATS refuses, or cannot be reached.
    #[error("{server}: {reason}")]
    Server {
        /// Its address, without secrets.
        server: String,
        /// What it said, and what to do.
        reason: String,
    },
}

impl BatchError {
    /// Returns whether what was asked for is at fault, rather than files or machines.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Manifest { .. } | Self::Line { .. } | Self::Option { .. } => true,
            Self::Model { source, .. } => source.is_usage(),
            Self::Io { .. } | Self::Image(_) | Self::Device(_) | Self::Server { .. } => false,
        }
    }
}
