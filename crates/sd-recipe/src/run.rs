use std::fs;
use std::path::Path;

use burn::module::Module;
use sd_pipeline::Image;
use sd_train::{Task, TrainError, Trainer};
use sd_weights::write_atomically;

use crate::metrics::Metrics;
use crate::plot::loss_plot;
use crate::{Event, Recipe, RecipeError, Watch};

/// What comes out of a training.
pub(crate) trait Product<M> {
    /// Writes the model, whose parameters are averages, to a folder of the diffusers layout.
    fn save(&self, model: &M, folder: &Path) -> Result<(), RecipeError>;

    /// Pictures by which to see how far it is, from the folder that was just saved.
    fn samples(&self, model: &M, folder: &Path) -> Result<Image, RecipeError>;
}

/// Makes the steps that a recipe asks for, or those that its output folder's checkpoint has left.
pub(crate) fn run<M: Module, T: Task<M>>(
    recipe: &Recipe,
    model: M,
    mut task: T,
    product: &dyn Product<M>,
    watch: &mut Watch,
) -> Result<(), RecipeError> {
    let (checkpoint, steps) = (recipe.output.join("checkpoint"), recipe.training.steps);
    let mut trainer = begin(recipe, model, &mut task, &checkpoint, watch)?;
    let mut metrics = Metrics::open(&recipe.output, trainer.steps())?;
    let _ = watch(&Event::Started { step: trainer.steps(), steps });
    let mut saved = trainer.steps();
    while trainer.steps() < steps {
        let progress = trainer.step(&mut task).map_err(|error| failed(error, &checkpoint, saved))?;
        let step = trainer.steps();
        metrics.add(&progress)?;
        let is_cancelled = watch(&Event::Step(progress)).is_break();
        let is_last = is_cancelled || step == steps;
        if is_last || step.is_multiple_of(recipe.training.checkpoint_every) {
            trainer.save(&checkpoint, &task).map_err(|error| failed(error, &checkpoint, saved))?;
            saved = step;
            write(&recipe.output.join("loss.svg"), loss_plot(&metrics.lines).as_bytes())?;
            let _ = watch(&Event::Saved { step });
        }
        if is_cancelled && step < steps {
            return Err(RecipeError::Cancelled { step });
        }
        if is_last || step.is_multiple_of(recipe.samples.every) {
            let (model, folder) = (trainer.averaged(), recipe.output.join("model"));
            product.save(&model, &folder)?;
            let file = recipe.output.join(format!("samples/step-{step:06}.png"));
            product.samples(&model, &folder)?.save(&file)?;
            let _ = watch(&Event::Sampled(&file));
        }
    }
    Ok(())
}

/// The first step, or the one after the checkpoint.
fn begin<M: Module, T: Task<M>>(
    recipe: &Recipe,
    model: M,
    task: &mut T,
    checkpoint: &Path,
    watch: &mut Watch,
) -> Result<Trainer<M>, RecipeError> {
    let samples = recipe.output.join("samples");
    fs::create_dir_all(&samples).map_err(RecipeError::io(&samples))?;
    let text = fs::read(&recipe.file).map_err(RecipeError::io(&recipe.file))?;
    let copy = recipe.output.join("recipe.toml");
    let config = recipe.training.trainer();
    if !checkpoint.join("training.json").exists() {
        write(&copy, &text)?;
        return Ok(Trainer::new(model, config));
    }
    let trainer = Trainer::resume(model, config, checkpoint, task)
        .map_err(|error| RecipeError::Train { error, kept: String::new() })?;
    if fs::read(&copy).is_ok_and(|old| old != text) {
        let step = trainer.steps();
        let _ = watch(&Event::Warning(format!(
            "the recipe is another than that of the checkpoint, {}: it holds from step {step} on",
            copy.display()
        )));
        write(&copy, &text)?;
    }
    Ok(trainer)
}

/// An error of a step or a checkpoint, and what is left.
fn failed(error: TrainError, checkpoint: &Path, saved: u64) -> RecipeError {
    let kept = match saved {
        0 => String::new(),
        step => format!("; the checkpoint of step {step} is kept in {}", checkpoint.display()),
    };
    RecipeError::Train { error, kept }
}

/// Writes a file beside its name and renames it.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> Result<(), RecipeError> {
    write_atomically(file, |out| out.write_all(bytes)).map_err(RecipeError::io(file))
}
