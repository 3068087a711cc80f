use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::{DenoiseError, Denoiser, History, Noise, State};

/// A rule that takes a noisy image from one noise level to the next lower one.
///
/// A sampler holds its options and nothing else. What it remembers of an image is in that image's [`History`], so
/// one sampler can draw many images, one after another or by turns.
pub trait Sampler: Send {
    /// Takes `x` from noise level `from` to the lower level `to ≥ 0`.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, channels, height, width]`, in variance-exploding form
    /// - output: as x
    ///
    /// # Errors
    ///
    /// Whatever the model returns.
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError>;

    /// Network calls that a walk down `levels` takes.
    fn calls(&self, levels: &NoiseLevels) -> usize {
        levels.steps()
    }

    /// The fewest steps this sampler can draw an image with.
    fn min_steps(&self) -> usize {
        1
    }
}

impl Sampler for Box<dyn Sampler> {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        (**self).step(context, x, from, to)
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        (**self).calls(levels)
    }

    fn min_steps(&self) -> usize {
        (**self).min_steps()
    }
}

/// What a step works with, besides the image and the two noise levels.
pub struct StepContext<'a> {
    /// The model.
    pub model: &'a mut dyn Denoiser,
    /// Where fresh noise comes from.
    pub noise: &'a mut dyn Noise,
    /// What the sampler remembers of this image.
    pub history: &'a mut History,
    /// Which step this is, from 0.
    pub step: usize,
    /// How many there are.
    pub steps: usize,
}

impl StepContext<'_> {
    /// `x` with fresh noise of standard deviation `std ≥ 0` for the way from noise level `from` down to `to`; for 0,
    /// none is drawn.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, channels, height, width]`
    /// - output: as x
    pub fn add_noise(&mut self, x: Tensor<4>, from: f64, to: f64, std: f64) -> Tensor<4> {
        if std > 0.0 { self.noise.draw(&x, from, to) * std + x } else { x }
    }
}

/// Walks `x` down all `levels`.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`, noise of standard deviation `levels.first()` (plus an image, to start
///   from one)
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

/// As [`sample`], with a callback after each step that may look at the [`State`], change it, or end the walk with an error.
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
    let mut state = State::new(x);
    while state.advance(sampler, model, noise, levels)? {
        after_step(&mut state)?;
    }
    Ok(state.x)
}
