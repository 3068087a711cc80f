use std::ops::RangeInclusive;

use burn::tensor::Tensor;

use crate::rules::slopes::{add_slopes, mean_slope};
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// SA-Solver, a stochastic Adams method that predicts and corrects (Xue et al. 2023, with data prediction; diffusers'
/// `SASolverScheduler` with predictor and corrector of order 2, each with a single slope).
///
/// Stochastic where `tau` applies: the image keeps changing with the number of steps. With `tau` 0 it is
/// deterministic, draws nothing and has order 2. The first and the last step are predicted at order 1, and the last one
/// is not corrected. One network call per step. For 20 steps and more, if fresh noise should compensate for a network's
/// errors; with fewer, a deterministic sampler is better.
#[derive(Debug, Clone, PartialEq)]
pub struct SaSolver {
    tau: f64,
    levels: RangeInclusive<f64>,
}

impl SaSolver {
    /// SA-Solver with noise of strength `tau ≥ 0` in the steps that start at one of the `levels`; 1 is as much as in
    /// DDPM. diffusers' default is 1 between timesteps 200 and 800.
    ///
    /// # Panics
    ///
    /// Panics if `tau` is negative or not finite.
    pub fn new(tau: f64, levels: RangeInclusive<f64>) -> Self {
        assert!(tau.is_finite() && tau >= 0.0, "tau is {tau}, but must be 0 or more");
        Self { tau, levels }
    }

    fn tau(&self, from: f64) -> f64 {
        if self.levels.contains(&from) { self.tau } else { 0.0 }
    }

    /// The weight of the slope from `start` to `other` in a step from level `start` to `to`.
    fn weight(&self, start: f64, other: f64, to: f64) -> f64 {
        mean_slope(start, other, to, (1.0 + self.tau(start).powi(2)) * (start / to).ln())
    }
}

impl Sampler for SaSolver {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        context.history.push(Evaluated { sigma: from, x: x.clone(), denoised: denoised.clone() }, 3);
        let evaluated: Vec<Evaluated> = context.history.evaluated().iter().rev().cloned().collect();
        let weight = |start: &Evaluated, other: &Evaluated, to| self.weight(start.sigma, other.sigma, to);

        // Corrects the previous step: the slope to its end replaces the slope that its predictor used.
        let x = match &evaluated[..] {
            [here, start, before] => {
                let weights = [weight(start, here, from), -weight(start, before, from)];
                add_slopes(x, start, &[here.clone(), before.clone()], &weights)
            }
            [here, start] => add_slopes(x, start, &evaluated[..1], &[weight(start, here, from)]),
            _ => x,
        };

        let tau = self.tau(from);
        let shrink = (to / from).powf(1.0 + tau * tau);
        let mut next = denoised.clone() + (x - denoised) * shrink;
        if context.step + 1 < context.steps && evaluated.len() > 1 {
            next = add_slopes(next, &evaluated[0], &evaluated[1..2], &[weight(&evaluated[0], &evaluated[1], to)]);
        }
        // Above these levels noise is drawn and discarded, as in diffusers, so that a seed gives the same image.
        if self.tau > 0.0 && from >= *self.levels.start() && to > 0.0 {
            let noise = context.noise.draw(&next, from, to);
            if tau > 0.0 {
                // to²·(1 − (to/from)^(2·tau²)) is the variance.
                next = noise * (to * (-(2.0 * tau * tau * (to / from).ln()).exp_m1()).sqrt()) + next;
            }
        }
        Ok(next)
    }
}
