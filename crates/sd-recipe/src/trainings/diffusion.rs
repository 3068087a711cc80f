use burn::tensor::Tensor;
use sd_clip::Tokenizer;
use sd_model::config::SchedulerConfig;
use sd_pipeline::Request;
use sd_train::tasks::{Diffusion, DiffusionConfig};

use super::masks::masks;
use super::objective::{Goal, goal};
use crate::{Dataset, Recipe};

/// Returns the task of a network that turns noise and a caption into the latents of images.
pub(super) fn diffusion(
    recipe: &Recipe,
    images: &Dataset,
    latents: Tensor<4>,
    tokenizer: &Tokenizer,
    scheduler: &SchedulerConfig,
) -> Diffusion {
    let [_, _, height, _] = latents.dims();
    let masks = masks(images, images.size / height, &latents.device());
    let task = task(recipe, recipe.seed, images, latents, tokenizer, scheduler);
    let task = masks.into_iter().fold(task, Diffusion::with_masks);
    let task = if images.repeats.is_empty() { task } else { task.with_repeats(&images.repeats) };
    if !recipe.data.shuffle_tags {
        return task;
    }
    task.with_shuffled_tags(images.captions.clone(), recipe.data.kept_tags(), tokenizer.clone())
}

/// Returns such a task of images that are shown once in an epoch, each with its caption.
pub(super) fn task(
    recipe: &Recipe,
    seed: u64,
    images: &Dataset,
    latents: Tensor<4>,
    tokenizer: &Tokenizer,
    scheduler: &SchedulerConfig,
) -> Diffusion {
    let settings = DiffusionConfig::new(seed)
        .with_caption_dropout(recipe.caption_dropout())
        .with_noise_offset(recipe.diffusion.noise_offset);
    let captions = images.captions.iter().map(|caption| tokenizer.encode(caption).ids).collect();
    let nothing = tokenizer.encode("").ids;
    let task = match goal(recipe, scheduler) {
        Goal::Timesteps(objective, timesteps) => {
            Diffusion::new(latents, captions, nothing, objective, timesteps, settings)
        }
        Goal::Edm(objective) => Diffusion::edm(latents, captions, nothing, objective, settings),
    };
    let task = if recipe.diffusion.learned_variance { task.with_learned_variance() } else { task };
    if recipe.diffusion.self_conditioning { task.with_self_conditioning() } else { task }
}

/// Returns the request of a sample.
pub(super) fn sample(recipe: &Recipe, seed: u64, caption: &str) -> Request {
    let settings = &recipe.samples;
    Request { steps: Some(settings.steps), guidance: Some(settings.guidance), seed, ..Request::new(caption) }
}
