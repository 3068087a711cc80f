use std::ops::ControlFlow;
use std::path::Path;

use sd_train::Progress;

use crate::RecipeError;

/// What a training has to tell while it goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Something without steps goes on, such as reading the images; it is told again and again while it does.
    Busy {
        /// What goes on.
        what: &'static str,
        /// How much of it is done: 0 when it begins.
        done: usize,
        /// How much there is.
        total: usize,
    },
    /// Something that matters although all goes on, such as an image that cannot be read.
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

/// Who is told; to break is to stop, during the steps after a checkpoint.
pub type Watch<'a> = dyn FnMut(&Event) -> ControlFlow<()> + 'a;

/// Tells what goes on, and is an error where the watcher wants to stop.
pub(crate) fn busy(watch: &mut Watch, what: &'static str, done: usize, total: usize) -> Result<(), RecipeError> {
    match watch(&Event::Busy { what, done, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(RecipeError::Interrupted { what }),
    }
}
