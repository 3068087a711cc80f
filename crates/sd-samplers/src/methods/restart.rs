use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::methods::heun::{calls, heun};
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// Restart sampling (Xu et al. 2023, "Restart sampling for improving generative processes").
///
/// Heun's method with restarts: after the step that reaches or crosses `t_min`, noise up to `t_max` is added and removed
/// again, a number of times. The fresh noise reduces the errors made so far, as churn does, but all in one place.
/// Stochastic; with 0 restarts it is [`Heun`](crate::Heun). Order 2 on every descent. Two network calls per step,
/// including those inside the restarts; one for a step to level 0.
///
/// For the best quality if calls do not matter, for example 30 steps and 36 extra calls for the restarts. Sampling that
/// starts below `t_max`, as it may from an image, is not restarted.
///
/// Each restart needs independent noise: use [`TorchNoise`](crate::TorchNoise), not the noise of a path.
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
    /// Panics if a value is outside its range, or not finite.
    pub fn new(t_min: f64, t_max: f64, steps_inside: usize, times: usize) -> Self {
        assert!(0.0 < t_min && t_min < t_max && t_max.is_finite(), "a restart from level {t_min} to {t_max}");
        assert!(steps_inside > 0, "a restart without steps");
        Self { t_min, t_max, steps_inside, times }
    }

    /// Whether the sampling that began at level `first` is restarted after the step from `from` to `to`.
    fn restarts(&self, first: f64, from: f64, to: f64) -> bool {
        first >= self.t_max && from > self.t_min && to <= self.t_min
    }

    /// The levels of a restart, from `t_max` to the one `reached`, evenly spaced in their seventh root (Karras et al.
    /// 2022, equation 5). If `reached` is 0, where levels would crowd too much, the last step goes there from `t_min`.
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

/// The authors' setting for Stable Diffusion with guidance 5 and 8: two times nine steps between 0.1 and 2.
///
/// AUTOMATIC1111's web UI has the same at 36 steps, but subtracts the steps inside from the requested number, and moves
/// both ends to the nearest levels of the schedule.
impl Default for Restart {
    fn default() -> Self {
        Self::new(0.1, 2.0, 9, 2)
    }
}

impl Sampler for Restart {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        // Only from the first step: all that matters is the level at which the sampling began.
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
