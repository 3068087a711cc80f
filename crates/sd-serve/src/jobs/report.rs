use jiff::Timestamp;
use sd_engine::Job;
use serde::Serialize;

use crate::client::Interface;
use crate::id::{ImageId, JobId};
use crate::queue::{Drawing, Phase, Queue};
use crate::store::{ImageRecord, JobRecord, JobState, Store, StoreError};

/// A job as clients see it.
#[derive(Serialize)]
pub struct Report {
    pub id: JobId,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    pub state: &'static str,
    /// How many come before it, while it waits.
    pub position: Option<usize>,
    /// Seconds until it begins, while it waits, as far as can be told.
    pub seconds: Option<f64>,
    pub count: u64,
    pub images: Vec<ImageReport>,
    /// Images that are left out.
    pub skipped: Vec<u64>,
    pub progress: Option<Progress>,
    pub warnings: Vec<String>,
    pub error: Option<String>,
    pub interface: Interface,
    pub created: String,
    pub finished: Option<String>,
    /// What it draws, in the report of one job alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// How far the present images are.
#[derive(Serialize)]
pub struct Progress {
    pub image: u64,
    /// How many are drawn together, from that on.
    pub images: u64,
    pub call: usize,
    pub calls: usize,
    /// Seconds until the job is done, as far as can be told.
    pub seconds_left: Option<f64>,
}

/// A finished image as clients see it.
#[derive(Serialize)]
pub struct ImageReport {
    pub id: ImageId,
    pub job: JobId,
    pub index: u64,
    /// Its number among all images, by age.
    pub seq: u64,
    pub url: String,
    pub seed: u64,
    pub width: usize,
    pub height: usize,
    pub created: String,
    pub parameters: String,
}

impl Report {
    /// The report of a job; none if it is not there. Reads the store.
    pub fn of(id: &JobId, queue: &Queue, store: &Store) -> Result<Option<Self>, StoreError> {
        // In this order: a job that ends in between is then reported as it ended.
        let phase = queue.phase(id);
        store.job(id)?.map(|record| Self::new(record, phase, store)).transpose()
    }

    /// The report of a job whose record is known.
    pub fn new(record: JobRecord, phase: Option<Phase>, store: &Store) -> Result<Self, StoreError> {
        let images = store.images_of(&record.id)?.into_iter().map(ImageReport::from).collect();
        let (mut position, mut seconds, mut progress) = (None, None, None);
        let state = match (&record.state, phase) {
            (JobState::Done, _) => "done",
            (JobState::Failed { .. }, _) => "failed",
            (JobState::Cancelled, _) => "cancelled",
            (JobState::Waiting, Some(Phase::Drawing(drawing))) => {
                let Drawing { image, images, call, calls, seconds_left, .. } = drawing;
                progress = Some(Progress { image, images, call, calls, seconds_left });
                "running"
            }
            (JobState::Waiting, Some(Phase::Waiting { position: at, seconds: until })) => {
                (position, seconds) = (Some(at), until);
                "waiting"
            }
            // Its models are read.
            (JobState::Waiting, Some(_)) => "running",
            // The server stops.
            (JobState::Waiting, None) => "waiting",
        };
        Ok(Self {
            state,
            position,
            seconds,
            images,
            progress,
            error: match record.state {
                JobState::Failed { message } => Some(message),
                _ => None,
            },
            id: record.id,
            count: record.count,
            skipped: record.skipped,
            warnings: record.warnings,
            interface: record.client.interface,
            created: time(record.created),
            finished: record.finished.map(time),
            job: None,
        })
    }
}

impl From<ImageRecord> for ImageReport {
    fn from(record: ImageRecord) -> Self {
        let ImageId { job, index } = record.id.clone();
        Self {
            url: format!("/v1/jobs/{job}/images/{index}"),
            id: record.id,
            job,
            index,
            seq: record.seq,
            seed: record.seed,
            width: record.width,
            height: record.height,
            created: time(record.created),
            parameters: record.parameters,
        }
    }
}

/// Milliseconds since 1970 as RFC 3339.
fn time(milliseconds: i64) -> String {
    Timestamp::from_millisecond(milliseconds).map_or_else(|_| String::new(), |time| time.to_string())
}
