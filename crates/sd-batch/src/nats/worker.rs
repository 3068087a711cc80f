use std::ops::ControlFlow;

use super::connect::ConnectFailure;
use super::delivery::{Delivery, Verdict};
use super::options::{QueueOptions, Server, WorkerOptions};
use super::patience::{Stop, pause};
use super::presence::{Presence, WorkerState};
use super::queue::Queue;
use super::runtime;
use crate::{Artist, BatchError, DrawError, Step};

/// What happens in a worker.
#[derive(Debug)]
pub enum WorkerEvent<'a> {
    /// The server does not answer, for this reason; the worker tries again.
    Waiting(&'a str),
    /// The worker is in the queue.
    Ready,
    /// A job begins: the name of its image, and which try it is.
    Begun(&'a str, u64),
    /// A call of the network has ended.
    Step(Step),
    /// An image is drawn and stored.
    Done(&'a str),
    /// An image was there already.
    Known(&'a str),
    /// A job failed, for this reason, and is tried again.
    Failed(&'a str, &'a str),
    /// A job is given up, for this reason.
    GivenUp(&'a str, &'a str),
    /// A job is given back, because the worker is to end.
    GivenBack(&'a str),
}

/// Draws jobs of a queue, one at a time, until `stop` says true; then the job is given back. Waits for the server whenever it is away.
///
/// # Errors
///
/// Fails if the server refuses, or if the device is lost.
pub fn work(
    artist: &mut dyn Artist,
    server: &Server,
    queue: &QueueOptions,
    options: &WorkerOptions,
    stop: Stop<'_>,
    report: &mut dyn FnMut(WorkerEvent),
) -> Result<(), BatchError> {
    let runtime = runtime()?;
    let Some(queue) = runtime.block_on(enter(server, queue, options, stop, report))? else { return Ok(()) };
    report(WorkerEvent::Ready);
    let presence = Presence::begin(&runtime, &queue, &options.name);
    let worker = Worker { artist, runtime: &runtime, presence: &presence, stop, report };
    let worked = worker.run(&queue, options);
    runtime.block_on(presence.end());
    worked
}

/// Connects as soon as the server is there. None after `stop`.
async fn enter(
    server: &Server,
    queue: &QueueOptions,
    options: &WorkerOptions,
    stop: Stop<'_>,
    report: &mut dyn FnMut(WorkerEvent),
) -> Result<Option<Queue>, BatchError> {
    let mut is_told = false;
    while !stop() {
        match Queue::open(server, queue, &options.name).await {
            Ok(queue) => return Ok(Some(queue)),
            Err(ConnectFailure::Final(error)) => return Err(error),
            Err(ConnectFailure::Absent(error)) => {
                if !std::mem::replace(&mut is_told, true) {
                    report(WorkerEvent::Waiting(&error.to_string()));
                }
                pause(stop).await;
            }
        }
    }
    Ok(None)
}

struct Worker<'a> {
    artist: &'a mut dyn Artist,
    runtime: &'a tokio::runtime::Runtime,
    presence: &'a Presence,
    stop: Stop<'a>,
    report: &'a mut dyn FnMut(WorkerEvent),
}

impl Worker<'_> {
    fn run(mut self, queue: &Queue, options: &WorkerOptions) -> Result<(), BatchError> {
        while let Some(message) = self.runtime.block_on(queue.next(options.until_empty, self.stop)) {
            let delivery = self.runtime.block_on(Delivery::new(queue, options, message));
            self.take(&delivery)?;
            self.presence.set(|status| status.state = WorkerState::Idle);
            self.runtime.block_on(self.presence.tell());
        }
        Ok(())
    }

    fn take(&mut self, delivery: &Delivery) -> Result<(), BatchError> {
        let object = delivery.object.as_str();
        let (order, format) = match self.runtime.block_on(delivery.examine()) {
            Verdict::Draw(order, format) => (order, format),
            Verdict::Done => {
                self.runtime.block_on(delivery.done());
                (self.report)(WorkerEvent::Known(object));
                return Ok(());
            }
            Verdict::Dead(reason) => return self.give_up(delivery, &reason),
        };
        (self.report)(WorkerEvent::Begun(object, delivery.tries));
        self.show(object, Step { call: 0, calls: 0 });
        let hold = delivery.hold(self.runtime);
        let drawn = {
            let mut watch = |step| {
                self.presence.set(|status| status.state = drawing(object, step));
                (self.report)(WorkerEvent::Step(step));
                if (self.stop)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            self.artist.draw(&[&order.job], format, &mut watch)
        };
        let settled = match drawn {
            Ok(images) => self.finish(delivery, &images[0]),
            Err(DrawError::Cancelled) => {
                self.runtime.block_on(delivery.give_back());
                (self.report)(WorkerEvent::GivenBack(object));
                Ok(())
            }
            Err(DrawError::Failed(reason)) => self.fail(delivery, &reason),
            Err(DrawError::DeviceLost(reason)) => self.fail(delivery, &reason).and(Err(BatchError::Device(reason))),
        };
        hold.abort();
        settled
    }

    fn finish(&mut self, delivery: &Delivery, image: &[u8]) -> Result<(), BatchError> {
        let report = &mut self.report;
        let complain = |error: &BatchError| report(WorkerEvent::Waiting(&error.to_string()));
        match self.runtime.block_on(delivery.finish(image, self.stop, complain)) {
            Ok(()) => {
                self.presence.set(|status| status.done += 1);
                (self.report)(WorkerEvent::Done(&delivery.object));
                Ok(())
            }
            // The worker is to end, and the server is away: it gives the job to another worker.
            Err(error) => {
                (self.report)(WorkerEvent::Waiting(&error.to_string()));
                Ok(())
            }
        }
    }

    fn fail(&mut self, delivery: &Delivery, reason: &str) -> Result<(), BatchError> {
        self.presence.set(|status| status.failed += 1);
        let is_given_up = self.runtime.block_on(delivery.fail(reason, self.stop))?;
        let object = delivery.object.as_str();
        (self.report)(match is_given_up {
            true => WorkerEvent::GivenUp(object, reason),
            false => WorkerEvent::Failed(object, reason),
        });
        Ok(())
    }

    fn give_up(&mut self, delivery: &Delivery, reason: &str) -> Result<(), BatchError> {
        self.runtime.block_on(delivery.give_up(reason, self.stop))?;
        (self.report)(WorkerEvent::GivenUp(&delivery.object, reason));
        Ok(())
    }

    fn show(&self, object: &str, step: Step) {
        self.presence.set(|status| status.state = drawing(object, step));
        self.runtime.block_on(self.presence.tell());
    }
}

fn drawing(object: &str, Step { call, calls }: Step) -> WorkerState {
    WorkerState::Drawing { image: object.into(), call, calls }
}
