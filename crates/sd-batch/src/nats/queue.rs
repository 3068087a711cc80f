use std::fmt::Display;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::object_store::{self, ObjectStore};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, Stream};
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::connect::{ConnectFailure, Connection};
use super::options::{QueueOptions, Server};
use super::patience::{Stop, TICK, pause};
use crate::BatchError;

/// The consumer of all workers.
const WORKERS: &str = "workers";

/// How long a silent worker counts as alive in a new queue.
const DEAD_AFTER: Duration = Duration::from_secs(30);

/// How long a worker's request for a job lasts in the server.
const REQUEST: Duration = Duration::from_secs(30);

/// Workers that may wait for jobs at once.
const MOST_WAITING: i64 = 100_000;

/// A queue of a server: see the table of this module.
#[derive(Clone)]
pub struct Queue {
    pub name: String,
    pub connection: Connection,
    pub jobs: Stream,
    pub notes: Stream,
    pub images: ObjectStore,
    /// The stream behind the object store, with the parts of images.
    pub parts: Stream,
    pub workers: PullConsumer,
    /// How long a silent worker counts as alive.
    pub dead_after: Duration,
}

impl Queue {
    /// Connects, and makes what is missing.
    pub async fn open(server: &Server, options: &QueueOptions, client: &str) -> Result<Self, ConnectFailure> {
        options.check().map_err(ConnectFailure::Final)?;
        let connection = Connection::open(server, client).await?;
        Self::make(connection, options).await.map_err(ConnectFailure::Absent)
    }

    async fn make(connection: Connection, options: &QueueOptions) -> Result<Self, BatchError> {
        let name = options.name.clone();
        let cannot = |what: &'static str| {
            let connection = connection.clone();
            move |error: &dyn Display| {
                connection.error(what, format!("{error}; JetStream must be on in its configuration"))
            }
        };
        let context = &connection.context;
        let jobs = context.get_or_create_stream(jobs_config(&name)).await;
        let jobs = jobs.map_err(|error| cannot("no queue of jobs")(&error))?;
        let notes = context.get_or_create_stream(notes_config(&name)).await;
        let notes = notes.map_err(|error| cannot("no stream of notes")(&error))?;
        let images = match context.get_object_store(&name).await {
            Ok(images) => images,
            Err(_) => {
                let config = object_store::Config { bucket: name.clone(), ..object_store::Config::default() };
                context.create_object_store(config).await.map_err(|error| cannot("no object store")(&error))?
            }
        };
        let parts = context.get_stream(format!("OBJ_{name}")).await;
        let parts = parts.map_err(|error| cannot("no stream of images")(&error))?;
        let config = workers_config(options.dead_after.unwrap_or(DEAD_AFTER));
        let mut workers = jobs.get_or_create_consumer(WORKERS, config.clone()).await;
        if let Ok(found) = &workers
            && options.dead_after.is_some_and(|time| time != found.cached_info().config.ack_wait)
        {
            workers = jobs.create_consumer(config).await;
        }
        let workers: PullConsumer = workers.map_err(|error| cannot("no consumer")(&error))?;
        let dead_after = workers.cached_info().config.ack_wait;
        Ok(Self { name, jobs, notes, images, parts, workers, dead_after, connection })
    }

    /// Waits for the next job. None after `stop`, or if nothing is queued and `until_empty`.
    pub async fn next(&self, until_empty: bool, stop: Stop<'_>) -> Option<Message> {
        while !stop() {
            let generation = self.connection.generation();
            let Ok(mut request) = self.workers.batch().max_messages(1).expires(REQUEST).messages().await else {
                pause(stop).await;
                continue;
            };
            loop {
                match timeout(TICK, request.next()).await {
                    Ok(Some(Ok(message))) => return Some(message),
                    Ok(Some(Err(_))) => {
                        pause(stop).await;
                        break;
                    }
                    Ok(None) => break,
                    // The server forgets requests when it is started again.
                    Err(_) if stop() || self.connection.generation() != generation => break,
                    Err(_) if until_empty && self.is_empty().await => return None,
                    Err(_) => {}
                }
            }
        }
        None
    }

    /// Whether no job is queued or drawn. It is not if the server does not answer.
    async fn is_empty(&self) -> bool {
        self.jobs.get_info().await.is_ok_and(|info| info.state.messages == 0)
    }

    /// The subject of a job, by the name of its image.
    pub fn subject(&self, object: &str) -> String {
        format!("{}.jobs.{object}", self.name)
    }

    /// The name of the image that a job's subject names.
    pub fn object<'a>(&self, subject: &'a str) -> &'a str {
        subject.strip_prefix(&format!("{}.jobs.", self.name)).unwrap_or(subject)
    }
}

/// Tells the server what became of a job, and waits until it knows. If it cannot be told, it hands the job out again, which is harmless.
pub async fn settle(message: &Message, kind: AckKind) {
    let _ = message.double_ack_with(kind).await;
}

/// Each image is queued once: a second job with its subject is refused.
fn jobs_config(name: &str) -> stream::Config {
    stream::Config {
        name: name.into(),
        description: Some("images to draw".into()),
        subjects: vec![format!("{name}.jobs.>")],
        retention: RetentionPolicy::WorkQueue,
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        ..stream::Config::default()
    }
}

fn notes_config(name: &str) -> stream::Config {
    stream::Config {
        name: format!("{name}_notes"),
        description: Some("jobs that were given up, or given back".into()),
        subjects: vec![format!("{name}.dead.>"), format!("{name}.returned.>")],
        max_messages_per_subject: 100,
        allow_direct: true,
        ..stream::Config::default()
    }
}

fn workers_config(dead_after: Duration) -> pull::Config {
    pull::Config {
        durable_name: Some(WORKERS.into()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: dead_after,
        // Workers count tries themselves: the server would only forget the job.
        max_deliver: -1,
        max_ack_pending: -1,
        max_waiting: MOST_WAITING,
        ..pull::Config::default()
    }
}
