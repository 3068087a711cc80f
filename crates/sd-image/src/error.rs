use std::path::PathBuf;

/// Why an image cannot be read or written: one line that names the culprit and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A file cannot be read or written.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's error.
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
    /// Bytes that are no usable image.
    #[error("{0}")]
    Bytes(String),
    /// An image that a format cannot hold.
    #[error("{0}")]
    Encoding(String),
}

impl ImageError {
    /// Returns the message without the name of the file.
    pub fn reason(&self) -> String {
        match self {
            Self::Io { source, .. } => source.to_string(),
            Self::Image { reason, .. } | Self::Bytes(reason) | Self::Encoding(reason) => reason.clone(),
        }
    }
}
