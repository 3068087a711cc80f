//! What becomes of a batch, and its images.

mod fetch;
mod rate;
mod watcher;
mod workers;

use std::path::Path;

use sd_image::Format;

use self::watcher::Watcher;
use self::workers::Workers;
use super::connect::ConnectFailure;
use super::options::{QueueOptions, Server};
use super::patience::Stop;
use super::presence::WorkerStatus;
use super::queue::Queue;
use super::runtime;
use crate::{BatchError, Failed, Item};

/// What to wait for, and where it goes.
#[derive(Debug, Clone, Copy)]
pub struct WatchOptions<'a> {
    /// The images; none is all that the queue has or gets until it is empty.
    pub items: Option<&'a [Item]>,
    /// What they are encoded as.
    pub format: Format,
    /// Where they are fetched to; none leaves them in the store.
    pub folder: Option<&'a Path>,
}

/// How far a queue is.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// Jobs of the queue that no worker has.
    pub queued: usize,
    /// Jobs that workers have.
    pub running: usize,
    /// Images that are drawn, of those that are watched.
    pub done: usize,
    /// Jobs that were given up, likewise.
    pub dead: usize,
    /// Images that are neither drawn nor given up, likewise.
    pub open: usize,
    /// Images that were fetched.
    pub fetched: usize,
    /// Images per second, over the last minute.
    pub per_second: f64,
    /// Workers that were heard of in the last ten seconds.
    pub workers: Vec<WorkerStatus>,
    /// Whether this is the end.
    pub is_over: bool,
    /// Images that were given up, at the end, with the reasons.
    pub failed: Vec<Failed>,
    /// The dead jobs of a queue without a list of images, at the end: the names of their images, with the reasons.
    pub given_up: Vec<(String, String)>,
}

impl Watched {
    /// Returns the seconds until all is done at this rate. None without a rate.
    pub fn seconds_left(&self) -> Option<f64> {
        (self.per_second > 0.0).then(|| self.open as f64 / self.per_second)
    }
}

/// Watches a queue until all images are drawn or given up, or until `stop`, and fetches those that are not in the folder yet. `report` hears
/// of the state twice a second. Returns the last one.
///
/// # Errors
///
/// Fails if the server refuses, if an image cannot be written, or if an image is nowhere: neither queued, drawn nor given up.
pub fn watch(
    server: &Server,
    queue: &QueueOptions,
    options: &WatchOptions,
    stop: Stop<'_>,
    report: &mut dyn FnMut(&Watched),
) -> Result<Watched, BatchError> {
    runtime()?.block_on(async {
        let queue = Queue::open(server, queue, "sd batch").await.map_err(ConnectFailure::into_error)?;
        let workers = Workers::listen(&queue).await?;
        let watcher = Watcher::new(queue, options, workers);
        watcher.run(stop, report).await
    })
}
