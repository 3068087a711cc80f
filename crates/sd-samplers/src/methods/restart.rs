use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::methods::heun::{calls, heun};
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// Restart sampling (Xu et al. 2023, "Restart sampling for improving generative processes").
///
/// Heun's method, which on its way down goes back up: after the step that reaches or crosses `t_min`, the noise up to
/// `t_max` is added anew and taken off again, a number of times. The fresh noise washes out the errors made so far, as
/// churn does, but all in one place. Stochastic, unless restarted 0 times: then it is [`Heun`](crate::Heun). Order 2 on
/// every way down. Two network calls per step, those inside the restarts included; one for a step to level 0.
///
/// For the best quality where calls do not matter, say 30 steps and 36 calls more for the restarts. A walk that starts
/// below `t_max`, as one from an image may, is not restarted.
///
/// Each restart wants fresh noise of its own: take [`TorchNoise`](crate::TorchNoise), not the noise of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Restart {
    t_min: f64,
    t_max: f64,
    steps_inside: usize,
    times: usize,
}

impl Restart {
    /// Restarts between the levels `0 < t_min < t_max`, with `steps_inside ≥ 1` steps each, `times ≥ 0` times.
    ///
    /// # Panics
    ///
    /// Panics if a number is outside its range, or not finite.
    pub fn new(t_min: f64, t_max: f64, steps_inside: usize, times: usize) -> Self {
        assert!(0.0 < t_min && t_min < t_max && t_max.is_finite(), "a restart from level {t_min} to {t_max}");
        assert!(steps_inside > 0, "a restart without steps");
        Self { t_min, t_max, steps_inside, times }
    }

    /// Whether the step from `from` to `to` of a walk from `first` is the one after which it is restarted.
    fn restarts(&self, first: f64, from: f64, to: f64) -> bool {
        first >= self.t_max && from > self.t_min && to <= self.t_min
    }

    /// The levels of a restart, from `t_max` to the one `reached`, evenly spaced in their seventh root (Karras et al.
    /// 2022, equation 5). Where that is 0, which has too many levels near it, the last step goes there from `t_min`.
    fn levels_inside(&self, reached: f64) -> NoiseLevels {
        const RHO: f64 = 7.0;
        let steps = self.steps_inside;
        let (bottom, spaced) = if reached > 0.0 { (reached, steps) } else { (self.t_min, steps - 1) };
        let (top, bottom) = (self.t_max.powf(1.0 / RHO), bottom.powf(1.0 / RHO));
        let between = (1..steps).map(|i| (top + (bottom - top) * i as f64 / spaced as f64).powf(RHO));
        let sigmas = [self.t_max].into_iter().chain(between).chain([reached]).collect();
        NoiseLevels::new(sigmas).expect("t_max is above the level reached")
    }
}

/// The authors' own for Stable Diffusion with guidance 5 and 8: two times nine steps between 0.1 and 2.
///
/// AUTOMATIC1111's web UI has the same at 36 steps, but takes the steps inside off those it was asked for, and moves
/// both ends to the nearest levels of the walk.
impl Default for Restart {
    fn default() -> Self {
        Self::new(0.1, 2.0, 9, 2)
    }
}

impl Sampler for Restart {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        // Of the first step alone: only the level that the walk started from matters.
        if context.history.evaluated().is_empty() {
            context.history.push(Evaluated { sigma: from, x: x.clone(), denoised: denoised.clone() }, 1);
        }
        let first = context.history.evaluated()[0].sigma;
        let mut x = heun(context.model, x, denoised, from, to)?;
        if self.restarts(first, from, to) {
            let up = ((self.t_max - to) * (self.t_max + to)).sqrt();
            for _ in 0..self.times {
                x = context.add_noise(x, self.t_max, to, up);
                for (from, to) in self.levels_inside(to).pairs() {
                    let denoised = context.model.denoise(x.clone(), from)?;
                    x = heun(context.model, x, denoised, from, to)?;
                }
            }
        }
        Ok(x)
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        let restart = levels.pairs().find(|&(from, to)| self.restarts(levels.first(), from, to));
        calls_along(levels) + restart.map_or(0, |(_, to)| self.times * calls_along(&self.levels_inside(to)))
    }
}

/// Network calls of Heun's steps down `levels`.
fn calls_along(levels: &NoiseLevels) -> usize {
    levels.pairs().map(|(from, to)| calls(from, to)).sum()
}
