//! What a queue costs: the time of a job whose image takes no time to draw.
//!
//! ```sh
//! nats-server -js -sd /tmp/nats &
//! cargo run --release -p sd-batch --features nats --example queue_overhead -- nats://127.0.0.1:4222 1000 300000
//! ```
//!
//! The second number is the size of an image in bytes. The queue `overhead` of the server is used and left behind.

#![allow(clippy::print_stdout, reason = "this is a program")]

use std::ops::ControlFlow;
use std::time::Instant;

use sd_batch::{
    Artist, DrawError, Item, Manifest, ManifestKind, Models, QueueOptions, Server, Step, WatchOptions, WorkerOptions,
    publish, watch, work,
};
use sd_engine::{Job, Library, LibraryFolders};
use sd_image::Format;

/// Has its image already.
struct Ready(Vec<u8>);

impl Artist for Ready {
    fn draw(
        &mut self,
        _: &[&Job],
        _: Format,
        _: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u8>>, DrawError> {
        Ok(vec![self.0.clone()])
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let flags: Vec<String> = std::env::args().skip(1).collect();
    let [url, jobs, bytes] = &flags[..] else { return Err("expected URL JOBS BYTES".into()) };
    let server = Server { url: url.clone(), ..Server::default() };
    let queue = QueueOptions { name: "overhead".into(), dead_after: None };
    let items = images(jobs)?;
    let stop = || false;

    let started = Instant::now();
    let published = publish(&server, &queue, &items, Format::Png, &stop)?;
    report("published", published.queued, started);

    let options = WorkerOptions { until_empty: true, ..WorkerOptions::default() };
    let started = Instant::now();
    work(&mut Ready(vec![7; bytes.parse()?]), &server, &queue, &options, &stop, &mut |_| {})?;
    report("drawn by one worker", items.len(), started);

    let folder = std::env::temp_dir().join(format!("queue-overhead-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let started = Instant::now();
    let options = WatchOptions { items: Some(&items), format: Format::Png, folder: Some(&folder) };
    let watched = watch(&server, &queue, &options, &stop, &mut |_| {})?;
    report("fetched", watched.fetched, started);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Images of new seeds, so that a second run draws again.
fn images(count: &str) -> Result<Vec<Item>, Box<dyn std::error::Error>> {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_nanos() as u64 >> 8 << 8;
    let line = format!(r#"{{"prompt": "nothing", "seed": {seed}, "count": {count}}}"#);
    let manifest = Manifest::parse("jobs".as_ref(), line.as_bytes(), ManifestKind::Jsonl)?;
    Ok(manifest.items(Models::OfWorkers(&Library::new(LibraryFolders::default())?))?)
}

fn report(what: &str, count: usize, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    println!("{count} {what} in {seconds:.2} s: {:.2} ms each", seconds * 1e3 / count.max(1) as f64);
}
