use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_nats::Subscriber;
use futures_util::{FutureExt, StreamExt};

use crate::BatchError;
use crate::nats::presence::{WorkerState, WorkerStatus};
use crate::nats::queue::Queue;

/// How long a worker is shown after it was heard of: five times as long as between two of its messages.
const SHOWN: Duration = Duration::from_secs(10);

/// Workers that tell what they do.
pub struct Workers {
    messages: Subscriber,
    heard: BTreeMap<String, (Instant, WorkerStatus)>,
}

impl Workers {
    pub async fn listen(queue: &Queue) -> Result<Self, BatchError> {
        let messages = queue.connection.client.subscribe(format!("{}.workers.*", queue.name)).await;
        let messages = messages.map_err(|error| queue.connection.error("workers cannot be heard", error))?;
        Ok(Self { messages, heard: BTreeMap::new() })
    }

    /// Those that are there now, by name.
    pub fn now(&mut self) -> Vec<WorkerStatus> {
        while let Some(Some(message)) = self.messages.next().now_or_never() {
            if let Ok(status) = serde_json::from_slice::<WorkerStatus>(&message.payload) {
                self.heard.insert(status.worker.clone(), (Instant::now(), status));
            }
        }
        self.heard.retain(|_, (heard, status)| heard.elapsed() < SHOWN && status.state != WorkerState::Gone);
        self.heard.values().map(|(_, status)| status.clone()).collect()
    }
}
