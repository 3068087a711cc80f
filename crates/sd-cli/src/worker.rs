//! `sd worker`: draws the jobs of a queue.

use std::time::Instant;

use sd_batch::{WorkerEvent, WorkerOptions, work};
use serde_json::json;

use crate::cancel::Cancel;
use crate::driver;
use crate::failure::{Failure, on_device};
use crate::library_flags::LibraryFlags;
use crate::nats_flags::NatsFlags;
use crate::progress::Progress;
use crate::reporter::{ProgressKind, Reporter};

/// Draw the jobs of a queue in NATS, on any number of machines
///
/// The worker waits for jobs, draws them one at a time, and stores their images in NATS. Jobs name models, and the worker looks for them in
/// its own folders alone. At Ctrl-C or SIGTERM it gives its job back, and ends.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    nats: NatsFlags,
    /// Times that a job is tried before it is given up
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    tries: u64,
    /// Name of this worker in messages [default: that of the machine, and the process]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// End when the queue is empty
    #[arg(long)]
    until_empty: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressKind::Bar)]
    progress: ProgressKind,
    #[command(flatten)]
    library: LibraryFlags,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let missing = || Failure::usage("--nats is missing: name a server, here or in the variable NATS_URL".into());
    let from_variable = || std::env::var("NATS_URL").ok().map(|url| args.nats.server_at(url));
    let server = args.nats.server().or_else(from_variable).ok_or_else(missing)?;
    let cancel = Cancel::on_ctrl_c();
    let mut engine = args.library.engine(&mut Progress::new(args.progress), &cancel)?;
    let options = WorkerOptions {
        tries: args.tries,
        name: args.name.clone().unwrap_or_else(name),
        until_empty: args.until_empty,
        ..WorkerOptions::default()
    };
    let reporter = Reporter::new(args.progress);
    reporter.note(&format!("on {}: {}", engine.options().device.name, engine.options().device.hardware));
    let (device, mut started) = (engine.options().device.name.clone(), Instant::now());
    on_device(&device, || -> Result<(), Failure> {
        let mut report = |event: WorkerEvent| match event {
            WorkerEvent::Begun(..) => {
                started = Instant::now();
                tell(&reporter, &event, 0.0);
            }
            WorkerEvent::Step(_) => driver::called(),
            _ => tell(&reporter, &event, started.elapsed().as_secs_f64()),
        };
        let stop = || cancel.flow().is_break();
        Ok(work(&mut engine, &server, &args.nats.queue(), &options, &stop, &mut report)?)
    })
}

fn tell(reporter: &Reporter, event: &WorkerEvent, seconds: f64) {
    let (name, image, text) = match event {
        WorkerEvent::Waiting(reason) => return reporter.warn(&format!("{reason}; trying again")),
        WorkerEvent::Failed(image, reason) => return reporter.warn(&format!("{image}: {reason}; it is tried again")),
        WorkerEvent::GivenUp(image, reason) => return reporter.warn(&format!("{image}: {reason}; it is given up")),
        WorkerEvent::Step(_) => return,
        WorkerEvent::Ready => ("ready", "", "waiting for jobs".into()),
        WorkerEvent::Begun(image, 1) => return reporter.event(&json!({ "event": "begun", "image": image, "try": 1 })),
        WorkerEvent::Begun(image, tries) => ("begun", *image, format!("{image}: try {tries}")),
        WorkerEvent::Done(image) => ("done", *image, format!("{image} ({seconds:.1} s)")),
        WorkerEvent::Known(image) => ("known", *image, format!("{image} was drawn before")),
        WorkerEvent::GivenBack(image) => ("returned", *image, format!("{image} is given back")),
    };
    reporter.event(&json!({ "event": name, "image": image, "seconds": seconds }));
    reporter.line(&text);
}

/// The name of the machine, and the process.
fn name() -> String {
    let from_system = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let from_variable = || ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let machine = from_system.or_else(from_variable).unwrap_or_else(|| "worker".into());
    format!("{}-{}", machine.trim(), std::process::id())
}
