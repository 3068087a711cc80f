use std::ops::Range;

use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::{DenoiseError, Denoiser, Noise, Sampler, State};

/// Denoises `x` through all `levels`.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`, noise of standard deviation `levels.first()`, plus an image if the sampling
///   starts from one
/// - output: as x, at noise level `levels.last()`
///
/// # Errors
///
/// Whatever the model returns.
///
/// # Panics
///
/// Panics if there are fewer steps than the sampler's [`min_steps`](Sampler::min_steps).
pub fn sample(
    sampler: &dyn Sampler,
    model: &mut dyn Denoiser,
    noise: &mut dyn Noise,
    x: Tensor<4>,
    levels: &NoiseLevels,
) -> Result<Tensor<4>, DenoiseError> {
    sample_with(sampler, model, noise, x, levels, &mut |_| Ok(()))
}

/// As [`sample`], with a callback after each step that may read the [`State`], change it, or end the sampling with an error.
///
/// # Errors
///
/// As [`sample`], and whatever the callback returns.
///
/// # Panics
///
/// As [`sample`].
pub fn sample_with(
    sampler: &dyn Sampler,
    model: &mut dyn Denoiser,
    noise: &mut dyn Noise,
    x: Tensor<4>,
    levels: &NoiseLevels,
    after_step: &mut dyn FnMut(&mut State) -> Result<(), DenoiseError>,
) -> Result<Tensor<4>, DenoiseError> {
    sample_steps(sampler, model, noise, x, levels, 0..levels.steps(), after_step)
}

/// As [`sample_with`], for some of the steps: `x` is at the level where the first of them begins.
///
/// Samplers that change their order near the end still see all `levels`, as in diffusers' image-to-image pipelines.
///
/// # Errors
///
/// As [`sample_with`].
///
/// # Panics
///
/// As [`sample`], and if `levels` have fewer steps than `steps.end`.
pub fn sample_steps(
    sampler: &dyn Sampler,
    model: &mut dyn Denoiser,
    noise: &mut dyn Noise,
    x: Tensor<4>,
    levels: &NoiseLevels,
    steps: Range<usize>,
    after_step: &mut dyn FnMut(&mut State) -> Result<(), DenoiseError>,
) -> Result<Tensor<4>, DenoiseError> {
    assert!(steps.end <= levels.steps(), "steps {steps:?} of {}", levels.steps());
    let mut state = State::at(x, steps.start);
    while state.steps < steps.end && state.advance(sampler, model, noise, levels)? {
        after_step(&mut state)?;
    }
    Ok(state.x)
}
