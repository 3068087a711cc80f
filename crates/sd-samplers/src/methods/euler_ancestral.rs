use burn::tensor::Tensor;

use crate::rules::ancestral::{check, split};
use crate::rules::transfer::transfer;
use crate::{DenoiseError, Sampler, StepContext};

/// Euler's method with ancestral noise: "Euler a" (k-diffusion's `sample_euler_ancestral`).
///
/// Each step goes below its level and returns with fresh noise. Stochastic, unless `eta` is 0. Order 1, of the
/// variance. One network call per step. With `s_noise` 1 it is [`Ddim`](crate::Ddim) with the same `eta`.
///
/// For lively images in 20 to 40 steps; they keep changing with the number of steps.
#[derive(Debug, Clone, PartialEq)]
pub struct EulerAncestral {
    eta: f64,
    s_noise: f64,
}

impl EulerAncestral {
    /// Euler's method with `eta` in `[0, 1]`, the share of fresh noise in each step, and `s_noise`, the factor on its
    /// standard deviation, finite and at least 0; both mostly 1.
    ///
    /// # Panics
    ///
    /// Panics if `eta` or `s_noise` is outside its range.
    pub fn new(eta: f64, s_noise: f64) -> Self {
        check(eta, s_noise);
        Self { eta, s_noise }
    }
}

impl Sampler for EulerAncestral {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        let (down, up) = split(from, to, self.eta);
        let x = transfer(x, denoised, from, down);
        Ok(context.add_noise(x, from, to, up * self.s_noise))
    }
}
