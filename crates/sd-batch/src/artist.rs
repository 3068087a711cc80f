use std::ops::ControlFlow;

use sd_engine::{Engine, Job, Progress};
use sd_image::Format;

/// Draws images: all that a batch and a queue know of an engine.
pub trait Artist {
    /// Draws the only image of the first of these jobs, together with those of as many of the next as makes that faster, and encodes them
    /// with their metadata. The jobs differ in their seeds alone, and there is at least one. `watch` is called after each call of the
    /// network, and ends the drawing if it breaks.
    ///
    /// # Errors
    ///
    /// [`DrawError`], of any of these images.
    fn draw(
        &mut self,
        jobs: &[&Job],
        format: Format,
        watch: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u8>>, DrawError>;
}

/// How far an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The call of the network that has ended, from 1.
    pub call: usize,
    /// The calls of all passes.
    pub calls: usize,
}

/// Why there is no image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DrawError {
    /// The job cannot be drawn, for this reason of one line.
    Failed(String),
    /// The watcher ended it.
    Cancelled,
    /// The device is lost, and with it all further jobs of this process.
    DeviceLost(String),
}

impl Artist for Engine {
    fn draw(
        &mut self,
        jobs: &[&Job],
        format: Format,
        watch: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u8>>, DrawError> {
        let prepared = self.prepare(jobs[0])?;
        let first = jobs[0].request.seed;
        let together = jobs.iter().take(prepared.planned().together());
        let images: Vec<u64> = together.map(|job| job.request.seed.wrapping_sub(first)).collect();
        let mut report = |progress: &Progress| watch(Step { call: progress.call, calls: progress.calls });
        let drawn = prepared.draw_together(&images, &mut report)?;
        drawn.iter().map(|drawn| Ok(drawn.encode(format)?)).collect()
    }
}

impl From<sd_engine::EngineError> for DrawError {
    fn from(error: sd_engine::EngineError) -> Self {
        match error {
            error if error.is_cancelled() => Self::Cancelled,
            error if error.is_device_failure() => Self::DeviceLost(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}
