use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::methods::dpm2::{calls, midpoint};
use crate::rules::ancestral::{check, split};
use crate::{DenoiseError, Sampler, StepContext};

/// [`Dpm2`](crate::Dpm2) with ancestral noise: "DPM2 a" (k-diffusion's `sample_dpm_2_ancestral`).
///
/// Each step goes below its level and returns with fresh noise. Stochastic, unless `eta` is 0. Order 2, of the variance.
/// Two network calls per step. As with [`Dpm2`](crate::Dpm2), a last step to level 0 and a first step from pure noise are
/// Euler's.
///
/// Reproduces the images that other programs call "DPM2 a"; [`EulerAncestral`](crate::EulerAncestral) draws similar ones
/// with half the calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Dpm2Ancestral {
    eta: f64,
    s_noise: f64,
}

impl Dpm2Ancestral {
    /// DPM2 with `eta` in `[0, 1]`, the share of fresh noise in each step, and `s_noise`, the factor on its standard
    /// deviation, finite and at least 0; both mostly 1.
    ///
    /// # Panics
    ///
    /// Panics if `eta` or `s_noise` is outside its range.
    pub fn new(eta: f64, s_noise: f64) -> Self {
        check(eta, s_noise);
        Self { eta, s_noise }
    }
}

impl Sampler for Dpm2Ancestral {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let (down, up) = split(from, to, self.eta);
        let x = midpoint(context.model, x, from, down)?;
        Ok(context.add_noise(x, from, to, up * self.s_noise))
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        levels.pairs().map(|(from, to)| calls(from, split(from, to, self.eta).0)).sum()
    }
}
