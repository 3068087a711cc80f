//! What can be trained, each with its networks, what it is shown, and what comes out.

mod autoencoder;
mod folder;
mod kept;
mod latents;
mod objective;
mod pixels;
mod samples;
mod text_to_image;
mod words;

use burn::tensor::Device;
use sd_weights::{FolderLock, remove_leftovers};

use crate::{Dataset, Event, Recipe, RecipeError, Watch, What};

/// Follows a recipe to its end, or goes on where it was stopped.
///
/// What was not finished is: also where all steps were made, but the model or the samples could not be written.
///
/// # Errors
///
/// [`RecipeError`] for a recipe that cannot be followed, which is found out before anything is done; where numbers do not
/// stay finite or files cannot be written, and then the last checkpoint is kept; where another training has the output
/// folder; and where `watch` stops it, during the steps after a checkpoint.
pub fn follow(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    recipe.check_sizes()?;
    match recipe.train {
        What::Autoencoder => autoencoder::train(recipe, device, watch),
        What::Pixels => pixels::train(recipe, device, watch),
        What::TextToImage => text_to_image::train(recipe, device, watch),
    }
}

/// Takes the output folder, removes what killed trainings left half-written in it, and reads the images.
fn begin(recipe: &Recipe, watch: &mut Watch) -> Result<(FolderLock, Dataset), RecipeError> {
    let output = &recipe.output;
    let lock = FolderLock::take(output, &format!("the training of {}", recipe.file.display()));
    let lock = lock.map_err(RecipeError::io(output))?;
    [output, &recipe.checkpoint(), &recipe.samples_folder()].into_iter().for_each(|folder| remove_leftovers(folder));
    let images = Dataset::read(recipe, watch)?;
    for (file, reason) in &images.skipped {
        let _ = watch(&Event::Warning(format!("{} is left out: {reason}", file.display())));
    }
    if !images.skipped.is_empty() {
        let (skipped, left) = (images.skipped.len(), images.len());
        let _ = watch(&Event::Warning(format!("{skipped} were left out, {left} images are used")));
    }
    recipe.check_workers(images.len())?;
    Ok((lock, images))
}
