use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use sd_image::Format;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::message::{Obituary, Order};
use super::options::WorkerOptions;
use super::patience::{Stop, until_done};
use super::queue::{Queue, settle};
use crate::BatchError;

/// A job in the hands of a worker: it draws it, gives it back, or gives it up. If the process dies, the server gives it to another one.
pub struct Delivery<'a> {
    queue: &'a Queue,
    options: &'a WorkerOptions,
    message: Arc<Message>,
    /// The name of its image.
    pub object: String,
    /// Which try this is, from 1. Times that the job was given back do not count.
    pub tries: u64,
}

/// What to do with a job.
pub enum Verdict {
    /// Draw it.
    Draw(Box<Order>, Format),
    /// Nothing: its image is there.
    Done,
    /// Nothing: it cannot be drawn, for this reason.
    Dead(String),
}

impl<'a> Delivery<'a> {
    pub async fn new(queue: &'a Queue, options: &'a WorkerOptions, message: Message) -> Self {
        let object = queue.object(&message.subject).to_string();
        let delivered = message.info().map_or(1, |info| info.delivered.max(1) as u64);
        let returned = if delivered > 1 { queue.returns(&object).await.unwrap_or(0) } else { 0 };
        Self { queue, options, message: Arc::new(message), object, tries: delivered.saturating_sub(returned).max(1) }
    }

    /// Decides what to do.
    pub async fn examine(&self) -> Verdict {
        if self.queue.has_image(&self.object).await {
            return Verdict::Done;
        }
        if self.tries > self.options.tries {
            let reason = format!("{} workers died or fell silent while they drew it", self.options.tries);
            return Verdict::Dead(reason);
        }
        match Order::read(&self.message.payload, &self.object) {
            Ok((order, format)) => Verdict::Draw(Box::new(order), format),
            Err(reason) => Verdict::Dead(reason),
        }
    }

    /// Keeps the job until the returned task is aborted: the server hears of it three times before it would give it to another worker.
    pub fn hold(&self, runtime: &Runtime) -> JoinHandle<()> {
        let (message, every) = (self.message.clone(), self.queue.dead_after / 3);
        runtime.spawn(async move {
            loop {
                sleep(every).await;
                let _ = message.ack_with(AckKind::Progress).await;
            }
        })
    }

    /// Stores the image, and only then takes the job off the queue. Waits for the server if it is away.
    pub async fn finish(
        &self,
        image: &[u8],
        stop: Stop<'_>,
        complain: impl FnMut(&BatchError),
    ) -> Result<(), BatchError> {
        until_done(stop, async || self.queue.store(&self.object, image).await, complain).await?;
        self.done().await;
        Ok(())
    }

    /// Takes the job off the queue: its image is there.
    pub async fn done(&self) {
        settle(&self.message, AckKind::Ack).await;
        if self.tries > 1 {
            self.queue.forget_returns(&self.object).await;
        }
    }

    /// Gives the job back, to be tried at once by another worker.
    pub async fn give_back(&self) {
        let _ = self.queue.remember_return(&self.object).await;
        settle(&self.message, AckKind::Nak(None)).await;
    }

    /// Has the job tried again later, or gives it up after the last try. Returns whether it is given up.
    pub async fn fail(&self, reason: &str, stop: Stop<'_>) -> Result<bool, BatchError> {
        if self.tries >= self.options.tries {
            self.give_up(reason, stop).await?;
            return Ok(true);
        }
        settle(&self.message, AckKind::Nak(Some(self.pause()))).await;
        Ok(false)
    }

    /// Keeps the job among the dead, and only then takes it off the queue.
    pub async fn give_up(&self, reason: &str, stop: Stop<'_>) -> Result<(), BatchError> {
        let obituary = Obituary {
            reason: reason.into(),
            tries: self.tries,
            worker: self.options.name.clone(),
            order: String::from_utf8_lossy(&self.message.payload).into_owned(),
        };
        until_done(stop, async || self.queue.bury(&self.object, &obituary).await, |_| {}).await?;
        settle(&self.message, AckKind::Term).await;
        self.queue.forget_returns(&self.object).await;
        Ok(())
    }

    /// Longer after each try.
    fn pause(&self) -> Duration {
        self.options.pause * self.tries as u32
    }
}
