use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::Device;

use crate::data::count_images;
use crate::event::Measured;
use crate::trainings::train;
use crate::{Event, Recipe, RecipeError, Watch};

/// What a training takes, as a rehearsal measured it.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Number of values that are trained.
    pub trained: usize,
    /// Number of images, with mirrored ones.
    pub images: usize,
    /// Images of a class that are still to be drawn; their time is not in the estimate.
    pub undrawn: usize,
    /// Steps that were made before, in the checkpoint.
    pub made: u64,
    /// Steps of the whole training.
    pub steps: u64,
    /// Images in each step.
    pub batch: usize,
    /// Seconds of encoding all images.
    pub encoding_seconds: f64,
    /// Seconds of a step.
    pub step_seconds: f64,
    /// Bytes of memory at the peak, without samples; none where the system does not report them.
    pub memory: Option<u64>,
}

impl Estimate {
    /// Seconds until the training ends, without its samples.
    pub fn seconds(&self) -> f64 {
        match self.steps.saturating_sub(self.made) {
            0 => 0.0,
            left => self.encoding_seconds + left as f64 * self.step_seconds,
        }
    }
}

/// Measures what a training takes: reads its images, encodes a few of them, and makes a few steps. It writes to the folder
/// `scratch` alone, and begins nothing.
///
/// # Errors
///
/// Those of [`train`], but for those of outputs. An estimate beyond the machine's memory is none.
pub fn estimate(recipe: &Recipe, scratch: &Path, device: &Device, watch: &mut Watch) -> Result<Estimate, RecipeError> {
    let undrawn = match (&recipe.prior, recipe.prior_folder()) {
        (Some(prior), Some(folder)) if folder.is_dir() => prior.images.saturating_sub(count_images(&folder)?),
        (Some(prior), _) => prior.images,
        _ => 0,
    };
    let mut found = Estimate {
        trained: 0,
        images: 0,
        undrawn,
        made: recipe.steps_made(),
        steps: recipe.training.steps,
        batch: recipe.training.batch,
        encoding_seconds: 0.0,
        step_seconds: 0.0,
        memory: None,
    };
    let rehearsal =
        Recipe { output: scratch.join("rehearsal"), rehearsal_of: Some(recipe.output.clone()), ..recipe.clone() };
    train(&rehearsal, device, &mut |event| match *event {
        Event::Measured(Measured::Encoding { seconds }) => {
            found.encoding_seconds += seconds;
            ControlFlow::Continue(())
        }
        Event::Measured(Measured::Steps { trained, images, seconds, memory }) => {
            (found.trained, found.images, found.step_seconds, found.memory) = (trained, images, seconds, memory);
            ControlFlow::Continue(())
        }
        _ => watch(event),
    })?;
    Ok(found)
}
