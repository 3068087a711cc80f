//! The trainings, one a file: their networks, tasks and outputs.

mod autoencoder;
mod begin;
mod controlnet;
mod diffusion;
mod distillation;
mod encoded_captions;
mod folder;
mod inversion;
mod kept;
mod latents;
mod lora;
mod lora_metadata;
mod masks;
mod networks;
mod new_word;
mod objective;
mod pixels;
mod prior;
mod samples;
mod start;
mod text_to_image;
mod tokenizer;
mod tokenizers;

use burn::tensor::Device;

use crate::{Recipe, RecipeError, Training, Watch};

/// Trains by a recipe, or resumes the training where it was stopped.
///
/// Outputs that were not finished are written, also if all steps were made but the model or the samples could not be
/// written.
///
/// # Errors
///
/// [`RecipeError`] if the recipe is wrong, which is found out before anything is done; if another training uses the output
/// folder; if losses do not stay finite or files cannot be written, and then the last checkpoint is kept; and if `watch`
/// stops the training, which during the steps first writes a checkpoint.
pub fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    recipe.check_sizes()?;
    match recipe.train {
        Training::Autoencoder => autoencoder::train(recipe, device, watch),
        Training::Pixels => pixels::train(recipe, device, watch),
        Training::ControlNet => controlnet::train(recipe, device, watch),
        Training::Distillation => distillation::train(recipe, device, watch),
        Training::Lora => lora::train(recipe, device, watch),
        Training::TextualInversion => inversion::train(recipe, device, watch),
        Training::TextToImage => text_to_image::train(recipe, device, watch),
    }
}
