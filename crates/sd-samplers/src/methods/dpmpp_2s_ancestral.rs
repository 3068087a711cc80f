use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::rules::ancestral::{check, split};
use crate::rules::transfer::transfer;
use crate::{DenoiseError, Sampler, StepContext};

/// DPM-Solver++(2S) with ancestral noise (Lu et al. 2022b, algorithm 1 with r = 1/2): k-diffusion's
/// `sample_dpmpp_2s_ancestral`.
///
/// Each step goes below its level by a midpoint rule and returns with fresh noise. Stochastic; its distribution converges
/// at order 2. The two-call sampler of choice for noise that is independent from step to step, from about 15 steps. Two
/// network calls per step; one for a step to level 0, which is first order and adds no noise.
///
/// With `eta` 0 it is DPM-Solver++(2S) itself: deterministic, order 2.
#[derive(Debug, Clone, PartialEq)]
pub struct Dpmpp2sAncestral {
    eta: f64,
    s_noise: f64,
}

impl Dpmpp2sAncestral {
    /// DPM-Solver++(2S) with the share `eta` of fresh noise in each step, in `[0, 1]`. `s_noise ≥ 0` scales that noise; the
    /// method itself has 1.
    ///
    /// # Panics
    ///
    /// Panics if `eta` is outside `[0, 1]` or `s_noise` is negative or not finite.
    pub fn new(eta: f64, s_noise: f64) -> Self {
        check(eta, s_noise);
        Self { eta, s_noise }
    }
}

impl Sampler for Dpmpp2sAncestral {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let mut denoised = context.model.denoise(x.clone(), from)?;
        let (down, up) = split(from, to, self.eta);
        if to > 0.0 {
            let middle = (from * down).sqrt();
            denoised = context.model.denoise(transfer(x.clone(), denoised, from, middle), middle)?;
        }
        let x = transfer(x, denoised, from, down);
        Ok(context.add_noise(x, from, to, up * self.s_noise))
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        2 * levels.steps() - usize::from(levels.last() == 0.0)
    }
}
