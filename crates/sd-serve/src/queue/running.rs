use std::sync::Arc;

use jiff::Timestamp;

use crate::client::Client;
use crate::id::JobId;

/// The drawing at the device.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    /// The job.
    pub id: JobId,
    /// Who wants it.
    pub client: Client,
    /// Number of the image in the job, from 0.
    pub image: u64,
    /// How many are drawn together, from that on.
    pub images: u64,
    /// Images of the job.
    pub count: u64,
    /// Calls of the image that are done; 0 while its models are read.
    pub call: usize,
    /// All calls of the image; 0 while its models are read.
    pub calls: usize,
    /// Seconds until the job is done, as far as can be told.
    pub seconds_left: Option<f64>,
    /// When the job came to the device.
    pub started: Timestamp,
    pub(super) preview: Option<Arc<Vec<u8>>>,
}
