use std::ops::ControlFlow;
use std::path::Path;

use sd_train::Progress;

/// What a training has to tell while it goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Something without steps has begun, such as drawing the pictures.
    Busy(&'a str),
    /// Something that matters although all goes on, such as a picture that cannot be read.
    Warning(String),
    /// The steps begin.
    Started {
        /// Steps that were made before, by the checkpoint that is gone on with.
        step: u64,
        /// Steps of the whole training.
        steps: u64,
    },
    /// A step was made.
    Step(Progress),
    /// A checkpoint was written.
    Saved {
        /// Its step.
        step: u64,
    },
    /// A sheet of samples was written.
    Sampled(&'a Path),
}

/// Who is told; to break is to stop after a checkpoint.
pub type Watch<'a> = dyn FnMut(&Event) -> ControlFlow<()> + 'a;
