use burn::tensor::Tensor;
use sd_schedule::{NoiseLevels, Prediction};

use crate::rules::transfer::{blends, transfer};
use crate::{Churn, DenoiseError, Denoiser, Evaluated, Sampler, StepContext};

/// DPM2 (k-diffusion's `sample_dpm_2`, after DPM-Solver-2 of Lu et al. 2022 and Karras et al. 2022, algorithm 2).
///
/// The midpoint method, with the middle taken in `ln sigma`. Deterministic without churn, stochastic with it. Order 2;
/// with churn, of the variance. Two network calls per step. Euler's step replaces a last step to level 0, which has no
/// middle, and a step whose middle is below 1/64 of its level.
///
/// Reproduces the images that other programs call "DPM2"; [`Heun`](crate::Heun) costs the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Dpm2 {
    churn: Churn,
}

impl Dpm2 {
    /// DPM2 with the given churn.
    ///
    /// # Panics
    ///
    /// Panics if one of the churn's values is outside its range.
    pub fn new(churn: Churn) -> Self {
        Self { churn: churn.checked() }
    }
}

impl Sampler for Dpm2 {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let (x, hat) = self.churn.raise(context, x, from);
        midpoint(context.model, x, hat, to)
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        levels.pairs().map(|(from, to)| calls(self.churn.hat(from, levels.steps()), to)).sum()
    }
}

/// A step of the midpoint method in `sigma`, with the geometric mean of the two levels as its middle.
pub(crate) fn midpoint(model: &mut dyn Denoiser, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
    let denoised = model.denoise(x.clone(), from)?;
    let sigma = (from * to).sqrt();
    if !blends(Prediction::Eps, from, sigma) {
        return Ok(transfer(x, denoised, from, to));
    }
    let middle = transfer(x.clone(), denoised, from, sigma);
    let denoised = model.denoise(middle.clone(), sigma)?;
    Ok(x + Evaluated { sigma, x: middle, denoised }.eps() * (to - from))
}

/// Number of network calls of a [`midpoint`] step.
pub(crate) fn calls(from: f64, to: f64) -> usize {
    1 + usize::from(blends(Prediction::Eps, from, (from * to).sqrt()))
}
