use std::ops::ControlFlow;

use sd_engine::{Engine, Job};
use sd_image::Format;

/// Draws single images: all that a batch and a queue know of an engine.
pub trait Artist {
    /// Draws the only image of a job, and encodes it with its metadata. `watch` is called after each call of the network, and ends the
    /// drawing if it breaks.
    ///
    /// # Errors
    ///
    /// [`DrawError`].
    fn draw(
        &mut self,
        job: &Job,
        format: Format,
        watch: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, DrawError>;
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
        job: &Job,
        format: Format,
        watch: &mut dyn FnMut(Step) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, DrawError> {
        let prepared = self.prepare(job)?;
        let drawn = prepared.draw(0, &mut |progress| watch(Step { call: progress.call, calls: progress.calls }))?;
        Ok(drawn.encode(format)?)
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
