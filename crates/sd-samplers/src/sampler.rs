use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::{DenoiseError, Denoiser, History, Noise};

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
