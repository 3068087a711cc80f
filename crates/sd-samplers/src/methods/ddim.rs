use burn::tensor::Tensor;

use crate::rules::ancestral::split;
use crate::rules::transfer::transfer;
use crate::{DenoiseError, Sampler, StepContext};

/// DDIM (Song et al. 2021, equation 12).
///
/// With `eta` 0 it is deterministic, of order 1: the plain choice for 20 steps and more, and for inverting an image to its
/// noise. With `eta` 1 it is DDPM's ancestral step with the small variance. One network call per step.
#[derive(Debug, Clone, PartialEq)]
pub struct Ddim {
    eta: f64,
    clip: Option<f64>,
}

impl Ddim {
    /// DDIM with `eta` in `[0, 1]`, the share of fresh noise in each step.
    ///
    /// # Panics
    ///
    /// Panics if `eta` is outside `[0, 1]`: the fresh noise cannot exceed the noise of the next level.
    pub fn new(eta: f64) -> Self {
        assert!((0.0..=1.0).contains(&eta), "eta is {eta}, but must be between 0 and 1");
        Self { eta, clip: None }
    }

    /// Clips every denoised image to `[−range, range]`, if a range is given; for models in pixels. The direction of the step
    /// stays that of the unclipped image, as in diffusers' `clip_sample`.
    pub fn with_clip(mut self, range: Option<f64>) -> Self {
        self.clip = range;
        self
    }
}

impl Sampler for Ddim {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        let (down, up) = split(from, to, self.eta);
        let x = match self.clip {
            None => transfer(x, denoised, from, down),
            Some(range) => denoised.clone().clamp(-range, range) + (x - denoised) * (down / from),
        };
        Ok(context.add_noise(x, from, to, up))
    }
}
