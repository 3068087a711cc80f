use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use crate::id::ImageId;

/// What happens to a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// It waits.
    Queued {
        /// How many come before it.
        position: usize,
        /// Seconds until it begins, as far as can be told.
        seconds: Option<f64>,
    },
    /// Its models are read.
    Loading,
    /// A call of the network is done.
    Step {
        /// Number of the image in the job, from 0.
        image: u64,
        /// How many are drawn together, from that on.
        images: u64,
        /// Calls that are done.
        call: usize,
        /// All calls of the image.
        calls: usize,
        /// Seconds until the job is done, as far as can be told.
        seconds_left: Option<f64>,
        /// What is there by now of the first: a small PNG, if there is a new one.
        #[serde(serialize_with = "as_base64", skip_serializing_if = "Option::is_none")]
        preview: Option<Arc<Vec<u8>>>,
    },
    /// An image is finished.
    Image {
        /// Its number in the job, from 0.
        index: u64,
        /// Its name.
        id: ImageId,
        /// Its seed.
        seed: u64,
    },
    /// An image is left out, as asked.
    Skipped {
        /// Its number in the job, from 0.
        index: u64,
    },
    /// All images are finished.
    Done,
    /// The job failed.
    Failed {
        /// A line that says why.
        message: String,
    },
    /// The job was cancelled.
    Cancelled,
}

impl Event {
    /// Its name, as in the field `type`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Loading => "loading",
            Self::Step { .. } => "step",
            Self::Image { .. } => "image",
            Self::Skipped { .. } => "skipped",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

fn as_base64<S: Serializer>(bytes: &Option<Arc<Vec<u8>>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(|bytes| STANDARD.encode(bytes.as_slice())).serialize(serializer)
}
