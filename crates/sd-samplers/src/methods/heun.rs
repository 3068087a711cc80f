use burn::tensor::Tensor;
use sd_schedule::{NoiseLevels, Prediction};

use crate::rules::transfer::{blends, transfer};
use crate::{Churn, DenoiseError, Denoiser, Evaluated, Sampler, StepContext};

/// Heun's method (Karras et al. 2022, algorithm 2; k-diffusion's `sample_heun`).
///
/// Deterministic without churn, stochastic with it. Order 2; with churn, of the variance. Two network calls per step:
/// Euler's step, then a step along the mean of the slopes at its two ends. A last step to level 0, where there is no
/// slope, is Euler's; so is a step to less than 1/64 of its level, such as the first one from pure noise.
///
/// Accurate rather than fast: for 20 steps and more if calls do not matter, and as a reference for cheaper samplers.
#[derive(Debug, Clone, PartialEq)]
pub struct Heun {
    churn: Churn,
}

impl Heun {
    /// Heun's method with the given churn.
    ///
    /// # Panics
    ///
    /// Panics if one of the churn's values is outside its range.
    pub fn new(churn: Churn) -> Self {
        Self { churn: churn.checked() }
    }
}

impl Sampler for Heun {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let (x, hat) = self.churn.raise(context, x, from);
        let denoised = context.model.denoise(x.clone(), hat)?;
        heun(context.model, x, denoised, hat, to)
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        levels.pairs().map(|(from, to)| calls(self.churn.hat(from, levels.steps()), to)).sum()
    }
}

/// A step of Heun's method from level `from` to `to`, where `x` is already `denoised`.
pub(crate) fn heun(
    model: &mut dyn Denoiser,
    x: Tensor<4>,
    denoised: Tensor<4>,
    from: f64,
    to: f64,
) -> Result<Tensor<4>, DenoiseError> {
    let ahead = transfer(x.clone(), denoised.clone(), from, to);
    if !blends(Prediction::Eps, from, to) {
        return Ok(ahead);
    }
    let slope_here = Evaluated { sigma: from, x: x.clone(), denoised }.eps();
    let denoised = model.denoise(ahead.clone(), to)?;
    let slope_ahead = Evaluated { sigma: to, x: ahead, denoised }.eps();
    Ok(x + (slope_here + slope_ahead) * ((to - from) / 2.0))
}

/// Number of network calls of a [`heun`] step.
pub(crate) fn calls(from: f64, to: f64) -> usize {
    1 + usize::from(blends(Prediction::Eps, from, to))
}
