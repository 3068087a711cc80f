use std::collections::HashSet;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use futures_util::{StreamExt, TryStreamExt, stream};
use sd_image::Format;

use super::connect::ConnectFailure;
use super::message::Order;
use super::options::{QueueOptions, Server};
use super::patience::{Stop, until_done};
use super::queue::Queue;
use super::runtime;
use crate::format::extension;
use crate::item::object_name;
use crate::{BatchError, Item};

/// Messages that are on their way at once.
const IN_FLIGHT: usize = 256;

/// What became of published jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// Jobs that are now queued.
    pub queued: usize,
    /// Jobs that were queued before.
    pub known: usize,
    /// Images that are drawn already.
    pub drawn: usize,
    /// Jobs that had been given up, among those that are queued now.
    pub revived: usize,
}

/// Puts images into a queue: those that are neither drawn nor queued. Jobs that were given up are tried again.
///
/// # Errors
///
/// Fails if the server cannot be reached, or refuses a job.
pub fn publish(
    server: &Server,
    queue: &QueueOptions,
    items: &[Item],
    format: Format,
    stop: Stop<'_>,
) -> Result<Published, BatchError> {
    runtime()?.block_on(async {
        let queue = Queue::open(server, queue, "sd batch").await.map_err(ConnectFailure::into_error)?;
        let mut published = Published::default();
        let drawn = queue.object_names().await?;
        let dead = queue.dead().await?;
        let mut objects = HashSet::new();
        let open = items.iter().map(|item| (item, object_name(item.id(), format)));
        let (open, there): (Vec<_>, Vec<_>) =
            open.filter(|(_, object)| objects.insert(object.clone())).partition(|(_, object)| !drawn.contains(object));
        published.drawn = there.len();
        for (_, object) in open.iter().filter(|(_, object)| dead.contains(object)) {
            queue.revive(object).await?;
            published.revived += 1;
        }
        let send = |(item, object): &(&Item, String)| {
            let (queue, is_revived) = (&queue, dead.contains(object));
            let order = Order { job: item.job.clone(), format: extension(format).into() };
            let object = object.clone();
            async move { until_done(stop, async || send(queue, &object, &order, is_revived).await, |_| {}).await? }
        };
        let results: Vec<bool> = stream::iter(&open).map(send).buffer_unordered(IN_FLIGHT).try_collect().await?;
        published.queued = results.iter().filter(|is_new| **is_new).count();
        published.known = results.len() - published.queued;
        Ok(published)
    })
}

/// Publishes a job, and returns whether it was new. The inner error is final.
async fn send(
    queue: &Queue,
    object: &str,
    order: &Order,
    is_revived: bool,
) -> Result<Result<bool, BatchError>, BatchError> {
    let payload = serde_json::to_vec(order).expect("a job is JSON");
    let size = payload.len();
    let mut message = PublishMessage::build().payload(payload.into());
    if !is_revived {
        // The server would take a job that it was sent minutes ago for the same, even if it has died since.
        message = message.message_id(object);
    }
    let cannot = |error: &dyn std::fmt::Display| queue.connection.error("a job cannot be queued", error);
    let sent = match queue.connection.context.send_publish(queue.subject(object), message).await {
        Ok(sent) => sent.await,
        Err(error) => Err(error),
    };
    match sent {
        Ok(ack) => Ok(Ok(!ack.duplicate)),
        Err(error) if error.to_string().contains("maximum messages per subject") => Ok(Ok(false)),
        Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
            let limit = queue.connection.client.max_payload();
            let reason = format!(
                "{object} has {size} bytes, but the server takes {limit}: raise `max_payload` there, or send smaller images"
            );
            Ok(Err(cannot(&reason)))
        }
        Err(error) if is_passing(error.kind()) => Err(cannot(&error)),
        Err(error) => Ok(Err(cannot(&error))),
    }
}

/// Whether it may work later.
fn is_passing(kind: PublishErrorKind) -> bool {
    matches!(kind, PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe | PublishErrorKind::StreamNotFound)
}
