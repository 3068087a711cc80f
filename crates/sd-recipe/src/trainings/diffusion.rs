use burn::tensor::Tensor;
use sd_clip::Tokenizer;
use sd_model::config::SchedulerConfig;
use sd_pipeline::Request;
use sd_train::tasks::{Buckets, Diffusion, DiffusionConfig, token_ids};

use super::masks::masks;
use super::objective::{Goal, goal};
use crate::{Dataset, Recipe, RecipeError, Watch};

/// Returns the task of a network that turns noise and a caption into the latents of images, which may be of several sizes.
pub(super) fn diffusion(
    recipe: &Recipe,
    buckets: &[Dataset],
    latents: Vec<Tensor<4>>,
    tokenizers: &[Tokenizer],
    scheduler: &SchedulerConfig,
) -> Diffusion {
    let masks: Option<Vec<Tensor<4>>> =
        buckets.iter().zip(&latents).map(|(images, latents)| masks(images, latents)).collect();
    let task = task(recipe, recipe.seed, buckets, latents, tokenizers, scheduler);
    let task = masks.into_iter().fold(task, |task, masks| task.with_masks(in_buckets(recipe, masks)));
    let repeats: Vec<usize> = buckets.iter().flat_map(|images| images.repeats.clone()).collect();
    let task = if repeats.is_empty() { task } else { task.with_repeats(&repeats) };
    if !recipe.data.shuffle_tags {
        return task;
    }
    task.with_shuffled_tags(captions(buckets), recipe.data.kept_tags(), tokenizers.to_vec())
}

/// Returns such a task of images that are shown once in an epoch, each with its caption.
pub(super) fn task(
    recipe: &Recipe,
    seed: u64,
    buckets: &[Dataset],
    latents: Vec<Tensor<4>>,
    tokenizers: &[Tokenizer],
    scheduler: &SchedulerConfig,
) -> Diffusion {
    let settings = DiffusionConfig::new(seed)
        .with_caption_dropout(recipe.caption_dropout())
        .with_noise_offset(recipe.diffusion.noise_offset);
    let ids = captions(buckets).iter().map(|caption| token_ids(tokenizers, caption)).collect();
    let (latents, nothing) = (in_buckets(recipe, latents), token_ids(tokenizers, ""));
    let task = match goal(recipe, scheduler) {
        Goal::Timesteps(objective, timesteps) => Diffusion::new(latents, ids, nothing, objective, timesteps, settings),
        Goal::Edm(objective) => Diffusion::edm(latents, ids, nothing, objective, settings),
    };
    // Of several tokenizers only XL's networks read the captions, and they read the sizes too.
    let task = match tokenizers {
        [_] => task,
        _ => task.with_sizes(buckets.iter().flat_map(Dataset::time_ids).collect()),
    };
    let task = if recipe.diffusion.learned_variance { task.with_learned_variance() } else { task };
    if recipe.diffusion.self_conditioning { task.with_self_conditioning() } else { task }
}

/// Returns the buckets of a training whose passes have images of one size.
fn in_buckets(recipe: &Recipe, tensors: Vec<Tensor<4>>) -> Buckets {
    Buckets::new(tensors, recipe.training.batch / recipe.training.passes())
}

/// Returns the captions of images of all sizes.
pub(super) fn captions(buckets: &[Dataset]) -> Vec<String> {
    buckets.iter().flat_map(|images| images.captions.clone()).collect()
}

/// Returns the captions of the samples.
pub(super) fn sample_captions(
    recipe: &Recipe,
    buckets: &[Dataset],
    watch: &mut Watch,
) -> Result<Vec<String>, RecipeError> {
    if recipe.data.scenes.is_some() {
        return Ok(buckets[0].for_samples(recipe, watch)?.captions);
    }
    let mut captions = captions(buckets);
    captions.truncate(recipe.samples.count);
    Ok(captions)
}

/// Returns the request of a sample.
pub(super) fn sample(recipe: &Recipe, seed: u64, caption: &str) -> Request {
    let settings = &recipe.samples;
    Request { steps: Some(settings.steps), guidance: Some(settings.guidance), seed, ..Request::new(caption) }
}
