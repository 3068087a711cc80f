//! Many machines: a queue in NATS JetStream.
//!
//! A queue NAME is made of four things in the server:
//!
//! | what | holds |
//! |---|---|
//! | stream `NAME`, subjects `NAME.jobs.ID` | jobs that are not done, each once |
//! | its consumer `workers` | who draws which of them, until when |
//! | object store `NAME` | images, under `ID.png` |
//! | stream `NAME_notes`, subjects `NAME.dead.ID` and `NAME.returned.ID` | jobs that were given up, and jobs that workers gave back |
//!
//! Workers say what they do on `NAME.workers.WORKER`, which nothing stores.

mod connect;
mod delivery;
mod images;
mod message;
mod notes;
mod options;
mod patience;
mod presence;
mod publish;
mod queue;
mod url;
mod watch;
mod worker;

pub use self::options::{QueueOptions, Server, WorkerOptions};
pub use self::presence::{WorkerState, WorkerStatus};
pub use self::publish::{Published, publish};
pub use self::watch::{WatchOptions, Watched, watch};
pub use self::worker::{WorkerEvent, work};

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::BatchError;

/// A runtime whose tasks go on while the caller's thread draws.
fn runtime() -> Result<Runtime, BatchError> {
    let built = Builder::new_multi_thread().worker_threads(1).thread_name("nats").enable_all().build();
    built.map_err(|source: io::Error| BatchError::Io { file: "a thread for the network".into(), source })
}
