//! The outputs of a training besides its checkpoint: the model folder, sheets of samples, and the plot.

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use sd_pipeline::Image;
use sd_train::Trainer;
use sd_weights::update_folder_atomically;
use serde::{Deserialize, Serialize};

use crate::files::write;
use crate::metrics::Line;
use crate::plot::loss_plot;
use crate::product::Product;
use crate::{Event, Recipe, RecipeError, Watch};

/// The outputs of a recipe. A file among them records their step; it is written last, so that unfinished outputs are
/// recognised.
pub(crate) struct Outputs<'a> {
    recipe: &'a Recipe,
    record: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Record {
    step: u64,
}

impl<'a> Outputs<'a> {
    /// The outputs of a recipe.
    pub fn new(recipe: &'a Recipe) -> Self {
        Self { recipe, record: recipe.model().join("trained.json") }
    }

    /// Whether outputs of a step are due.
    pub fn are_due(&self, step: u64) -> bool {
        step >= self.recipe.training.steps || step > 0 && step.is_multiple_of(self.recipe.samples.every)
    }

    /// Whether all outputs of a checkpoint's step were written.
    ///
    /// A record of another step is removed, because the training may reach that step again with other weights.
    pub fn are_written(&self, step: u64) -> Result<bool, RecipeError> {
        let record = fs::read(&self.record).ok().and_then(|text| serde_json::from_slice::<Record>(&text).ok());
        let are_written = record.is_some_and(|record| record.step == step);
        if self.record.exists() && !are_written {
            fs::remove_file(&self.record).map_err(RecipeError::io(&self.record))?;
        }
        Ok(are_written)
    }

    /// Writes all outputs.
    pub fn write<M: Module>(
        &self,
        trainer: &Trainer<M>,
        product: &dyn Product<M>,
        lines: &[Line],
        watch: &mut Watch,
    ) -> Result<(), RecipeError> {
        self.write_plot(lines)?;
        let (model, folder, step) = (trainer.averaged(), self.recipe.model(), trainer.steps());
        update_folder_atomically(&folder, RecipeError::io(&folder), |partial| product.save(&model, partial, watch))?;
        if self.recipe.samples.count > 0 {
            let file = self.recipe.samples_folder().join(format!("step-{step:06}.png"));
            let sheet: Image = product.samples(&model, &folder, watch)?;
            sheet.save(&file)?;
            let _ = watch(&Event::Sampled(&file));
        }
        write(&self.record, &serde_json::to_vec(&Record { step }).expect("a number is JSON"))
    }

    /// Writes the losses so far as a plot.
    pub fn write_plot(&self, lines: &[Line]) -> Result<(), RecipeError> {
        write(&self.recipe.output.join("loss.svg"), loss_plot(lines).as_bytes())
    }
}

impl Recipe {
    /// The output folder, also in a rehearsal, which writes to another one.
    pub(crate) fn real_output(&self) -> &Path {
        self.rehearsal_of.as_ref().unwrap_or(&self.output)
    }

    /// The folder of the checkpoint.
    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.output.join("checkpoint")
    }

    /// The model folder.
    pub(crate) fn model(&self) -> PathBuf {
        self.output.join("model")
    }

    /// The folder of the sheets of samples.
    pub(crate) fn samples_folder(&self) -> PathBuf {
        self.output.join("samples")
    }

    /// Number of steps of the checkpoint, if there is one.
    pub(crate) fn steps_made(&self) -> u64 {
        let index = fs::read(self.checkpoint().join("training.json")).ok();
        index.and_then(|text| serde_json::from_slice::<Record>(&text).ok()).map_or(0, |index| index.step)
    }

    /// Whether there is a checkpoint to resume from.
    pub(crate) fn has_begun(&self) -> bool {
        self.checkpoint().join("training.json").exists()
    }
}
