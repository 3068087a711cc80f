//! Batches that workers draw.

use sd_batch::{Item, Models, QueueOptions, Server, WatchOptions, Watched, WorkerState, WorkerStatus, publish, watch};
use serde_json::json;

use super::progress::{BatchProgress, speed, time};
use super::{Args, stop};
use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::reporter::Reporter;

pub fn run(args: &Args, server: &Server) -> Result<(), Failure> {
    let (cancel, queue) = (Cancel::on_ctrl_c(), args.nats.queue());
    let reporter = Reporter::new(args.progress);
    let items = match &args.jobs {
        Some(_) => {
            let engine = args.library.engine(&mut Progress::new(args.progress), &cancel)?;
            Some(args.items(Models::OfWorkers(engine.library()))?)
        }
        None => None,
    };
    if let Some(items) = &items {
        send(args, server, &queue, items, &cancel, &reporter)?;
    }
    if args.watch {
        look(args, server, &queue, items.as_deref(), &cancel, reporter)?;
    }
    Ok(())
}

/// Workers that are shown by name.
const SHOWN: usize = 4;

/// Puts the images into the queue that are not in the folder.
fn send(
    args: &Args,
    server: &Server,
    queue: &QueueOptions,
    items: &[Item],
    cancel: &Cancel,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let folder = args.folder()?;
    let is_open = |item: &&Item| folder.is_none_or(|folder| !item.path(folder, args.format).exists());
    let open: Vec<Item> = items.iter().filter(is_open).cloned().collect();
    let sent = publish(server, queue, &open, args.format, &stop(cancel))?;
    let here = items.len() - open.len();
    reporter.note(&format!(
        "{} images queued, {} were queued before, {} are drawn, {here} are in the folder",
        sent.queued, sent.known, sent.drawn
    ));
    if sent.revived > 0 {
        reporter.note(&format!("{} of them had been given up, and are tried again", sent.revived));
    }
    Ok(())
}

/// Watches, and fetches images into the folder.
fn look(
    args: &Args,
    server: &Server,
    queue: &QueueOptions,
    items: Option<&[Item]>,
    cancel: &Cancel,
    mut reporter: Reporter,
) -> Result<(), Failure> {
    let folder = args.folder()?;
    let options = WatchOptions { items, format: args.format, folder };
    reporter.spin("connecting");
    let mut last = None;
    let ended = watch(server, queue, &options, &stop(cancel), &mut |state| {
        reporter.bar.set_message(line(state));
        let event = Some(event(state));
        if event != last {
            event.iter().for_each(|event| reporter.event(event));
            last = event;
        }
    })?;
    reporter.clear();
    reporter.line(&line(&ended));
    for (image, reason) in &ended.given_up {
        reporter.warn(&format!("{image}: {reason}"));
    }
    let mut progress = BatchProgress::new(args.progress, 0);
    for failed in ended.failed.iter().take(10) {
        progress.failed(&failed.item.file_name(args.format), &failed.reason);
    }
    args.end(items.unwrap_or_default(), &ended.failed, items.and(folder), !ended.is_over, &mut progress)
}

fn line(state: &Watched) -> String {
    let Watched { queued, running, done, dead, fetched, .. } = state;
    let left = state.seconds_left().map(|seconds| format!(", {} left", time(seconds))).unwrap_or_default();
    let workers = match &state.workers[..] {
        [] => "no workers".into(),
        [one] => format!("worker {}", worker(one)),
        all => {
            let some = all.iter().take(SHOWN).map(worker).collect::<Vec<_>>().join(", ");
            format!("{} workers: {some}{}", all.len(), if all.len() > SHOWN { ", …" } else { "" })
        }
    };
    let fetched = if *fetched > 0 { format!(", {fetched} fetched") } else { String::new() };
    format!(
        "{queued} queued, {running} running, {done} done{fetched}, {dead} failed  {}{left}  {workers}",
        speed(state.per_second)
    )
}

fn worker(status: &WorkerStatus) -> String {
    match &status.state {
        WorkerState::Idle | WorkerState::Gone => format!("{} idle", status.worker),
        WorkerState::Drawing { calls: 0, .. } => format!("{} loading", status.worker),
        WorkerState::Drawing { call, calls, .. } => format!("{} {call}/{calls}", status.worker),
    }
}

fn event(state: &Watched) -> serde_json::Value {
    json!({
        "event": "queue", "queued": state.queued, "running": state.running, "done": state.done, "failed": state.dead,
        "open": state.open, "fetched": state.fetched, "images_per_second": state.per_second,
        "seconds_left": state.seconds_left(), "workers": state.workers,
    })
}
