use std::path::PathBuf;

/// Why a tuned schedule cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is not what this program writes.
    #[error("{}: not a schedule of `sd tune`: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The state of another search lies where this one would keep its own.
    #[error("{}: the unfinished search of other settings: finish it with those, or delete the file", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
}
