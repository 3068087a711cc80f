use std::fmt;

use super::finished::Finished;

/// Why a job is not accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Refused {
    /// As many wait as may.
    #[error("the queue is full: try again in {retry_after} seconds")]
    Full {
        /// When there may be room again, in seconds.
        retry_after: u64,
    },
    /// The server stops.
    #[error("the server stops: try again when it is back")]
    Stopping,
    /// It cannot be drawn as it is.
    #[error("{0}")]
    Wrong(String),
    /// It asks for more than the server's limits allow.
    #[error("{0}")]
    TooLarge(String),
    /// The client's key names another job.
    #[error("{0}")]
    Conflict(String),
    /// The server fails.
    #[error("{0}")]
    Internal(String),
}

/// Why a job has no images, or not all.
#[derive(Clone, thiserror::Error)]
pub(crate) enum JobFailed {
    /// The job is wrong.
    #[error("{0}")]
    Usage(String),
    /// The device, a file or a driver failed.
    #[error("{0}")]
    Failed(String),
    /// It was cancelled.
    #[error("the job was cancelled")]
    Cancelled {
        /// The images that were finished before.
        finished: Vec<Finished>,
    },
    /// The server stops.
    #[error("the server stops: try again when it is back")]
    Stopping,
}

/// Without the images.
impl fmt::Debug for JobFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobFailed({self})")
    }
}
