use std::io;

use crate::StoreError;

/// Why a server does not start, or ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing can be drawn.
    #[error("{0}")]
    Artist(String),
    /// The system refuses a socket or a thread.
    #[error("{what}: {source}")]
    System {
        /// What was wanted.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
}
