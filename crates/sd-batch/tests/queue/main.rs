//! Queues in a real NATS server, with workers that paint noise at once.

#![cfg(feature = "nats")]

mod artist;
mod failures;
mod once;
mod restart;
mod security;
mod watching;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sd_batch::{
    BatchError, Item, Manifest, ManifestKind, Models, Published, QueueOptions, Server, WatchOptions, Watched,
    WorkerEvent, WorkerOptions, publish, watch, work,
};
use sd_engine::{Library, LibraryFolders};
use sd_golden::NatsServer;
use sd_image::Format;

use crate::artist::Painter;

/// A queue whose silent workers count as dead after a second.
fn queue() -> QueueOptions {
    QueueOptions { name: "test".into(), dead_after: Some(Duration::from_secs(1)) }
}

fn at(server: &NatsServer) -> Server {
    Server { url: server.url(), ..Server::default() }
}

fn items(text: &str) -> Vec<Item> {
    let library = Library::new(LibraryFolders::default()).unwrap();
    let manifest = Manifest::parse("jobs".as_ref(), text.as_bytes(), ManifestKind::Jsonl).unwrap();
    manifest.items(Models::OfWorkers(&library)).unwrap()
}

/// Images of seeds from 0.
fn images(count: usize) -> Vec<Item> {
    items(&format!(r#"{{"prompt": "a colour", "seed": 0, "count": {count}}}"#))
}

#[track_caller]
fn send(server: &NatsServer, items: &[Item]) -> Published {
    publish(&at(server), &queue(), items, Format::Png, &|| false).unwrap()
}

/// Waits for images, without fetching them.
#[track_caller]
fn wait_for(server: &NatsServer, items: &[Item]) -> Watched {
    let options = WatchOptions { items: Some(items), format: Format::Png, folder: None };
    watch(&at(server), &queue(), &options, &never_in_time(), &mut |_| {}).unwrap()
}

/// Ends a test that hangs.
fn never_in_time() -> impl Fn() -> bool + Sync {
    let until = Instant::now() + Duration::from_secs(60);
    move || Instant::now() > until
}

/// Waits until something is so.
#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let stop = never_in_time();
    while !is_so() {
        assert!(!stop(), "it never was");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A worker on a thread.
struct Worker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), BatchError>>,
}

impl Worker {
    fn start(server: &NatsServer, painter: &Painter, tries: u64) -> Self {
        Self::start_at(at(server), painter, tries)
    }

    fn start_at(server: Server, painter: &Painter, tries: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (flag, mut painter) = (stop.clone(), painter.clone());
        let name = format!("worker of {:?}", thread::current().name().unwrap_or_default());
        let options = WorkerOptions { tries, pause: Duration::from_millis(50), name, until_empty: false };
        let thread = thread::spawn(move || {
            let mut tell = |_: WorkerEvent| {};
            work(&mut painter, &server, &queue(), &options, &|| flag.load(Ordering::Relaxed), &mut tell)
        });
        Self { stop, thread }
    }

    /// Ends it, as SIGTERM does.
    fn stop(self) -> Result<(), BatchError> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
