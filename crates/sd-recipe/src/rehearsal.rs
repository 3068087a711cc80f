use std::time::Instant;

use burn::module::Module;
use sd_device::ProcessMemory;
use sd_train::{Task, Trainer};

use crate::event::{Measured, busy};
use crate::{Event, Recipe, RecipeError, Watch};

/// The most steps that are measured.
const STEPS: usize = 4;

/// Seconds after which no other step is measured.
const ENOUGH: f64 = 20.0;

/// Makes a few steps, which are not kept, and reports what they took.
pub(crate) fn rehearse<M: Module, T: Task<M>>(
    recipe: &Recipe,
    model: M,
    mut task: T,
    images: usize,
    watch: &mut Watch,
) -> Result<(), RecipeError> {
    let mut trainer = Trainer::new(model, recipe.training.trainer());
    let mut seconds: Vec<f64> = Vec::new();
    while seconds.len() < STEPS && seconds.iter().sum::<f64>() < ENOUGH {
        busy(watch, "measuring steps", seconds.len(), STEPS)?;
        let started = Instant::now();
        trainer.step(&mut task).map_err(|error| RecipeError::Train { error, kept: String::new() })?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    // The first step also allocates memory, and on a GPU chooses kernels.
    let later = if seconds.len() > 1 { &seconds[1..] } else { &seconds[..] };
    let memory = ProcessMemory::read().map(|memory| {
        // What a checkpoint needs while it is written.
        memory.peak.max(memory.now + 2 * trainer.checkpoint_bytes() as u64)
    });
    let _ = watch(&Event::Measured(Measured::Steps {
        trained: trainer.trained_values(),
        images,
        seconds: later.iter().sum::<f64>() / later.len() as f64,
        memory,
    }));
    Ok(())
}
