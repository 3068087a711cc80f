use std::fs;
use std::path::Path;

use burn::module::Module;
use sd_train::{Task, TrainError, Trainer};
use serde::{Deserialize, Serialize};

use crate::data::Identity;
use crate::files::write;
use crate::metrics::{Metrics, Pending};
use crate::outputs::Outputs;
use crate::product::Product;
use crate::rehearsal::rehearse;
use crate::{Event, Recipe, RecipeError, Watch};

/// The data in a checkpoint beside the state of `sd-train`.
#[derive(Serialize, Deserialize)]
struct Notes {
    data: Identity,
    metrics: Pending,
}

/// Makes the steps of a recipe, from the checkpoint in its output folder if there is one, and writes the outputs that are
/// due on the way and at the end. Outputs of the checkpoint's step that were not finished are written first.
pub(crate) fn run<M: Module, T: Task<M>>(
    recipe: &Recipe,
    model: M,
    mut task: T,
    product: &dyn Product<M>,
    data: Identity,
    watch: &mut Watch,
) -> Result<(), RecipeError> {
    if recipe.rehearsal_of.is_some() {
        return rehearse(recipe, model, task, data.count(), watch);
    }
    let (checkpoint, steps) = (recipe.checkpoint(), recipe.training.steps);
    let mut trainer = begin(recipe, model, &mut task, &checkpoint, watch)?;
    let mut saved = trainer.steps();
    let known: Option<Notes> = serde_json::from_value(trainer.notes.take()).ok();
    if let Some(warning) = known.as_ref().and_then(|known| data.warning(&known.data, recipe, saved)) {
        let _ = watch(&Event::Warning(warning));
    }
    let pending = known.map(|known| known.metrics).unwrap_or_default();
    let mut metrics = Metrics::open(&recipe.output, trainer.steps(), pending)?;
    let outputs = Outputs::new(recipe);
    let mut are_written = outputs.are_written(trainer.steps())?;
    let _ = watch(&Event::Started { step: trainer.steps(), steps });
    loop {
        if outputs.are_due(trainer.steps()) && !are_written {
            outputs.write(&trainer, product, &metrics.lines, watch)?;
        }
        if trainer.steps() >= steps {
            return Ok(());
        }
        are_written = false;
        let progress = trainer.step(&mut task).map_err(|error| failed(error, &checkpoint, saved))?;
        let step = trainer.steps();
        metrics.add(&progress)?;
        let is_cancelled = watch(&Event::Step(progress)).is_break();
        if is_cancelled || step == steps || step.is_multiple_of(recipe.training.checkpoint_every) {
            let notes = Notes { data: data.clone(), metrics: metrics.pending() };
            trainer.notes = serde_json::to_value(notes).expect("notes are JSON");
            trainer.save(&checkpoint, &task).map_err(|error| failed(error, &checkpoint, saved))?;
            saved = step;
            outputs.write_plot(&metrics.lines)?;
            let _ = watch(&Event::Saved { step });
        }
        if is_cancelled && step < steps {
            return Err(RecipeError::Cancelled { step });
        }
    }
}

/// Starts the training, or resumes it from the checkpoint.
fn begin<M: Module, T: Task<M>>(
    recipe: &Recipe,
    model: M,
    task: &mut T,
    checkpoint: &Path,
    watch: &mut Watch,
) -> Result<Trainer<M>, RecipeError> {
    let samples = recipe.samples_folder();
    fs::create_dir_all(&samples).map_err(RecipeError::io(&samples))?;
    let text = fs::read(&recipe.file).map_err(RecipeError::io(&recipe.file))?;
    let copy = recipe.output.join("recipe.toml");
    let config = recipe.training.trainer();
    if !recipe.has_begun() {
        write(&copy, &text)?;
        return Ok(Trainer::new(model, config));
    }
    let trainer = Trainer::resume(model, config, checkpoint, task)
        .map_err(|error| RecipeError::Train { error, kept: String::new() })?;
    if fs::read(&copy).is_ok_and(|old| old != text) {
        let step = trainer.steps();
        let _ = watch(&Event::Warning(format!(
            "the recipe differs from that of the checkpoint, {}: the new one applies from step {step} on",
            copy.display()
        )));
        write(&copy, &text)?;
    }
    Ok(trainer)
}

/// Adds to an error of a step or a checkpoint which checkpoint is kept.
fn failed(error: TrainError, checkpoint: &Path, saved: u64) -> RecipeError {
    let kept = match saved {
        0 => String::new(),
        step => format!("; the checkpoint of step {step} is kept in {}", checkpoint.display()),
    };
    RecipeError::Train { error, kept }
}
