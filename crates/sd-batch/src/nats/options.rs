use std::path::PathBuf;
use std::time::Duration;

use crate::BatchError;

/// Where a NATS server is, and how to enter.
#[derive(Debug, Clone, Default)]
pub struct Server {
    /// `nats://HOST:PORT` or `tls://HOST:PORT`, several separated by commas; before HOST perhaps `USER:PASSWORD@` or `TOKEN@`.
    pub url: String,
    /// A credentials file, with a JWT and a key.
    pub credentials: Option<PathBuf>,
    /// Certificates of authorities that the server's may come from, beside those of the system.
    pub authorities: Option<PathBuf>,
    /// The client's own certificate and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// Which queue of a server, and how it behaves.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// How long a silent worker counts as alive, at least a second. None leaves it as it is; a new queue has 30 s.
    pub dead_after: Option<Duration>,
}

/// How a worker behaves.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// How often a job is tried before it is given up.
    pub tries: u64,
    /// The time between two tries.
    pub pause: Duration,
    /// The worker's name, in messages to people.
    pub name: String,
    /// Whether the worker ends when nothing is queued.
    pub until_empty: bool,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { name: "sd".into(), dead_after: None }
    }
}

impl Default for WorkerOptions {
    fn default() -> Self {
        let name = format!("worker-{}", std::process::id());
        Self { tries: 3, pause: Duration::from_secs(2), name, until_empty: false }
    }
}

impl QueueOptions {
    /// Checks the name, which becomes part of those of streams and subjects.
    pub(crate) fn check(&self) -> Result<(), BatchError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let reason = if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(fits) {
            format!("{:?}: expected at most 64 letters, digits, - and _", self.name)
        } else if self.dead_after.is_some_and(|time| time < Duration::from_secs(1)) {
            return Err(BatchError::Option { option: "dead_after", reason: "is below a second: take more".into() });
        } else {
            return Ok(());
        };
        Err(BatchError::Option { option: "queue", reason })
    }
}
