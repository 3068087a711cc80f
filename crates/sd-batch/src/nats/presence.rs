use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::interval;

use super::queue::Queue;

/// How often a worker says what it does.
const EVERY: Duration = Duration::from_secs(2);

/// What a worker does, as it tells everybody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// Its name.
    pub worker: String,
    /// What it does.
    pub state: WorkerState,
    /// Images that it has drawn.
    pub done: u64,
    /// Tries that failed.
    pub failed: u64,
}

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum WorkerState {
    /// It waits for a job.
    Idle,
    /// It loads what a job needs, or draws it.
    Drawing {
        /// The name of the image.
        image: String,
        /// Calls of the network that have ended.
        call: usize,
        /// All calls; 0 as long as they are unknown.
        calls: usize,
    },
    /// It ends.
    Gone,
}

/// Tells what a worker does, every two seconds and at each change of the image.
pub struct Presence {
    status: Arc<Mutex<WorkerStatus>>,
    queue: Queue,
    teller: JoinHandle<()>,
}

impl Presence {
    pub fn begin(runtime: &Runtime, queue: &Queue, worker: &str) -> Self {
        let status = WorkerStatus { worker: worker.into(), state: WorkerState::Idle, done: 0, failed: 0 };
        let status = Arc::new(Mutex::new(status));
        let (queue, told) = (queue.clone(), status.clone());
        let teller = runtime.spawn({
            let queue = queue.clone();
            async move {
                let mut clock = interval(EVERY);
                loop {
                    clock.tick().await;
                    let status = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    tell(&queue, &status).await;
                }
            }
        });
        Self { status, queue, teller }
    }

    /// Changes the status.
    pub fn set(&self, change: impl FnOnce(&mut WorkerStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Tells the status now.
    pub async fn tell(&self) {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tell(&self.queue, &status).await;
    }

    pub async fn end(self) {
        self.teller.abort();
        self.set(|status| status.state = WorkerState::Gone);
        self.tell().await;
        let _ = self.queue.connection.client.flush().await;
    }
}

/// The subject of a worker. Its name is in the message: a subject has no spaces and dots of its own.
fn subject(queue: &Queue, worker: &str) -> String {
    let token: String = worker.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{}.workers.{token}", queue.name)
}

/// Nobody may listen, and nothing is lost if the server is away.
async fn tell(queue: &Queue, status: &WorkerStatus) {
    let payload = serde_json::to_vec(status).expect("a status is JSON");
    let _ = queue.connection.client.publish(subject(queue, &status.worker), payload.into()).await;
}
