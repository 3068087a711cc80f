use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::id::{ImageId, JobId};

/// What is known of a job beside what it draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    /// Its name.
    pub id: JobId,
    /// Who wants it.
    pub client: Client,
    /// Whether it lives no longer than its client's connection.
    pub attached: bool,
    /// Images that it asks for.
    pub count: u64,
    /// SHA-256 of what it draws.
    pub hash: String,
    /// The client's name for it, by which it is not accepted twice.
    pub key: Option<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// How far it is.
    pub state: JobState,
    /// Images that are left out, as asked.
    pub skipped: Vec<u64>,
    /// When it was accepted: milliseconds since 1970.
    pub created: i64,
    /// When it ended, likewise.
    pub finished: Option<i64>,
}

/// How far a job is. That it is being drawn is not kept: after a restart it is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum JobState {
    /// Images are missing.
    Waiting,
    /// All images are there, but for those left out.
    Done,
    /// It ended early.
    Failed {
        /// A line that says why.
        message: String,
    },
    /// It was ended early by its client.
    Cancelled,
}

/// A finished image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    /// Its name.
    pub id: ImageId,
    /// Its number among all images of the store, by age.
    pub seq: u64,
    /// Its seed.
    pub seed: u64,
    /// Width in pixels.
    pub width: usize,
    /// Height likewise.
    pub height: usize,
    /// Length of its file.
    pub bytes: u64,
    /// When it was finished: milliseconds since 1970.
    pub created: i64,
    /// AUTOMATIC1111's text of its settings.
    pub parameters: String,
}

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
