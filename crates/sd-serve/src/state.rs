use std::sync::Arc;

use sd_engine::Library;

use crate::metrics::Metrics;
use crate::options::ServeOptions;
use crate::queue::Queue;
use crate::store::Store;

/// All that handlers see.
#[derive(Clone)]
pub(crate) struct App {
    /// The line before the device.
    pub queue: Queue,
    /// The files that jobs may name.
    pub library: Arc<Library>,
    /// Jobs and their images.
    pub store: Store,
    /// How the server behaves.
    pub options: Arc<ServeOptions>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}
