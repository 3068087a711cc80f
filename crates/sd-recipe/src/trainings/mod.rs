//! What can be trained, each with its networks, what it is shown, and what comes out.

mod autoencoder;
mod folder;
mod latents;
mod objective;
mod pixels;
mod text_to_image;
mod words;

use burn::tensor::Device;

use crate::{Event, Pictures, Recipe, RecipeError, Watch, What};

/// Follows a recipe to its end, or goes on where it was stopped.
///
/// # Errors
///
/// [`RecipeError`] for a recipe that cannot be followed; where numbers do not stay finite or files cannot be written, and
/// then the last checkpoint is kept; and where `watch` stops it, after a checkpoint.
pub fn follow(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let what = if recipe.data.scenes.is_some() { "drawing the scenes" } else { "reading the pictures" };
    let _ = watch(&Event::Busy(what));
    let pictures = Pictures::read(&recipe.data, recipe.train, recipe.seed)?;
    for (file, reason) in &pictures.skipped {
        let _ = watch(&Event::Warning(format!("{} is left out: {reason}", file.display())));
    }
    if !pictures.skipped.is_empty() {
        let (skipped, left) = (pictures.skipped.len(), pictures.len());
        let _ = watch(&Event::Warning(format!("{skipped} were left out, {left} pictures are used")));
    }
    let workers = recipe.training.workers;
    if workers > pictures.len() {
        return Err(
            recipe.wrong(format!("`training.workers`: {workers} workers, but only {} pictures", pictures.len()))
        );
    }
    match recipe.train {
        What::Autoencoder => autoencoder::train(recipe, pictures, device, watch),
        What::Pixels => pixels::train(recipe, pictures, device, watch),
        What::TextToImage => text_to_image::train(recipe, pictures, device, watch),
    }
}
