use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::{DenoiseError, Denoiser, History, Noise};

/// A rule that takes a noisy image from one noise level to the next lower one.
///
/// A sampler holds only its options. Its memory of an image is in that image's [`History`], so one sampler can draw
/// many images, one after another or alternately.
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

    /// Number of network calls for all steps of `levels`; the least, if the sampler [is adaptive](Self::is_adaptive).
    fn calls(&self, levels: &NoiseLevels) -> usize {
        levels.steps()
    }

    /// The fewest steps in which this sampler can draw an image.
    fn min_steps(&self) -> usize {
        1
    }

    /// Whether the number of calls depends on the images. Then an image also depends on those that it is drawn with.
    fn is_adaptive(&self) -> bool {
        false
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

    fn is_adaptive(&self) -> bool {
        (**self).is_adaptive()
    }
}

/// The inputs of a step other than the image and the two noise levels.
pub struct StepContext<'a> {
    /// The model.
    pub model: &'a mut dyn Denoiser,
    /// The source of fresh noise.
    pub noise: &'a mut dyn Noise,
    /// The sampler's memory of this image.
    pub history: &'a mut History,
    /// Index of this step, from 0.
    pub step: usize,
    /// Number of steps.
    pub steps: usize,
}

impl StepContext<'_> {
    /// Adds fresh noise of standard deviation `std ≥ 0` to `x`, for the step from noise level `from` down to `to`. For 0,
    /// no noise is drawn.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, channels, height, width]`
    /// - output: as x
    pub fn add_noise(&mut self, x: Tensor<4>, from: f64, to: f64, std: f64) -> Tensor<4> {
        if std > 0.0 { self.noise.draw(&x, from, to) * std + x } else { x }
    }
}
