use std::ops::ControlFlow;
use std::path::Path;

use sd_train::Progress;

use crate::RecipeError;

/// An event of a training.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Work without steps is going on, such as reading the images. Reported repeatedly.
    Busy {
        /// The name of the work.
        what: &'static str,
        /// How much is done: 0 at the beginning.
        done: usize,
        /// How much there is in all.
        total: usize,
    },
    /// A problem that does not stop the training, such as an image that cannot be read.
    Warning(String),
    /// The steps begin.
    Started {
        /// Steps made before, in the checkpoint.
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
    /// A rehearsal has measured something.
    Measured(Measured),
}

/// What a rehearsal measures.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Measured {
    /// Encoding images as latents.
    Encoding {
        /// Seconds for all images.
        seconds: f64,
    },
    /// Steps.
    Steps {
        /// Number of values that are trained.
        trained: usize,
        /// Number of images, with mirrored ones.
        images: usize,
        /// Seconds of a step.
        seconds: f64,
        /// Bytes of memory at the peak, without samples; none where the system does not report them.
        memory: Option<u64>,
    },
}

/// Receives the events; to break is to stop. A stop during the steps first writes a checkpoint.
pub type Watch<'a> = dyn FnMut(&Event) -> ControlFlow<()> + 'a;

/// Reports that work is going on.
///
/// # Errors
///
/// [`RecipeError::Interrupted`] if `watch` stops it.
pub(crate) fn busy(watch: &mut Watch, what: &'static str, done: usize, total: usize) -> Result<(), RecipeError> {
    match watch(&Event::Busy { what, done, total }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(RecipeError::Interrupted { what }),
    }
}
