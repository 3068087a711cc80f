use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::{Denoiser, Noise, Stop};

/// A rule that takes a noisy picture from one noise level to the next lower one.
///
/// A sampler is a value: its fields are its options and its history, so a used one is never used for another picture.
pub trait Sampler {
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
    fn step(
        &mut self,
        model: &mut dyn Denoiser,
        noise: &mut dyn Noise,
        x: Tensor<4>,
        from: f64,
        to: f64,
    ) -> Result<Tensor<4>, Stop>;

    /// Network calls that `steps` steps take.
    fn calls(&self, steps: usize) -> usize {
        steps
    }

    /// The fewest steps this sampler can draw a picture with.
    fn min_steps(&self) -> usize {
        1
    }
}

impl Sampler for Box<dyn Sampler> {
    fn step(
        &mut self,
        model: &mut dyn Denoiser,
        noise: &mut dyn Noise,
        x: Tensor<4>,
        from: f64,
        to: f64,
    ) -> Result<Tensor<4>, Stop> {
        (**self).step(model, noise, x, from, to)
    }

    fn calls(&self, steps: usize) -> usize {
        (**self).calls(steps)
    }

    fn min_steps(&self) -> usize {
        (**self).min_steps()
    }
}

/// Walks `x` down all `levels`: the loop of every picture.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`, noise of standard deviation `levels.first()` (plus a picture, to start
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
    mut sampler: impl Sampler,
    model: &mut dyn Denoiser,
    noise: &mut dyn Noise,
    mut x: Tensor<4>,
    levels: &NoiseLevels,
) -> Result<Tensor<4>, Stop> {
    let (steps, least) = (levels.steps(), sampler.min_steps());
    assert!(steps >= least, "{steps} steps, but this sampler needs at least {least}");
    for (from, to) in levels.pairs() {
        x = sampler.step(model, noise, x, from, to)?;
    }
    Ok(x)
}
