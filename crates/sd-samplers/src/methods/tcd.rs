use burn::tensor::Tensor;
use sd_schedule::Process;

use crate::rules::transfer::transfer;
use crate::{DenoiseError, Sampler, StepContext};

/// TCD: steps below the next level and adds fresh noise up to it (Zheng et al. 2024, algorithm 4: strategic stochastic
/// sampling; diffusers' `TCDScheduler`, which calls `gamma` `eta`).
///
/// With `gamma` 0 it is DDIM, deterministic and of order 1; with `gamma` 1 it jumps to the least noisy image each
/// time, nearly as [`Lcm`](crate::Lcm) does. For networks distilled for it: 2 to 8 steps with `gamma` 0.3, and a larger
/// `gamma` for more steps. One network call per step. No noise is drawn for a step to timestep 0, where diffusers ends, or
/// to a level below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tcd {
    process: Process,
    gamma: f64,
}

impl Tcd {
    /// TCD with `gamma` in `[0, 1]`, the overshoot of each step as a fraction of the next timestep; diffusers' default is
    /// 0.3. The process converts timesteps to levels.
    ///
    /// # Panics
    ///
    /// Panics if `gamma` is outside `[0, 1]`.
    pub fn new(process: impl Into<Process>, gamma: f64) -> Self {
        assert!((0.0..=1.0).contains(&gamma), "gamma is {gamma}, but must be between 0 and 1");
        Self { process: process.into(), gamma }
    }

    /// The level at the whole timestep at or below `(1 − gamma)·t`, never above `to`.
    ///
    /// Whole as in diffusers, so that a seed gives the same image; the method does not require it.
    fn below(&self, to: f64) -> f64 {
        if self.gamma == 0.0 {
            return to;
        }
        // (1 − 0.3)·90 is 62.999… in f64: the small term keeps rounding from missing whole timesteps.
        let t = ((1.0 - self.gamma) * self.process.t(to) + 1e-6).floor();
        self.process.sigma(t).min(to)
    }
}

impl Sampler for Tcd {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        let below = self.below(to);
        let x = transfer(x, denoised, from, below);
        let up = ((to - below) * (to + below)).sqrt();
        Ok(context.add_noise(x, from, to, up))
    }
}

#[cfg(test)]
mod tests {
    use sd_schedule::{BetaSchedule, NoiseSchedule};

    use super::*;

    #[test]
    fn whole_timesteps_are_not_missed_by_rounding() {
        let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        for (gamma, t, below) in [(0.3, 90.0, 63.0), (0.8, 5.0, 1.0), (0.9, 10.0, 1.0), (0.3, 19.0, 13.0)] {
            let tcd = Tcd::new(schedule.clone(), gamma);
            assert_eq!(tcd.below(schedule.sigma(t)), schedule.sigma(below));
        }
    }

    #[test]
    fn below_the_first_timestep_there_is_nothing_to_step_down_to() {
        let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap();
        let tcd = Tcd::new(NoiseSchedule::from_betas(&betas).unwrap(), 0.3);
        assert_eq!(tcd.below(0.0), 0.0);
        assert_eq!(tcd.below(0.01), 0.01);
    }
}
