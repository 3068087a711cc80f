use burn::tensor::Tensor;

use crate::rules::transfer::transfer;
use crate::{DenoiseError, Evaluated, History, Sampler, StepContext};

/// DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2): k-diffusion's `sample_dpmpp_2m`, diffusers'
/// `DPMSolverMultistepScheduler`.
///
/// Deterministic, order 2: the first choice for 15 to 30 steps. One network call per step.
///
/// The first step is first order, because no step precedes it; so is a step to level 0, where `ln sigma` is infinite. As
/// in diffusers, the last of fewer than 15 steps is first order even if it ends above 0: with steps that large, the
/// straight line through the last two denoised images misleads.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dpmpp2m;

impl Dpmpp2m {
    /// DPM-Solver++(2M); it has no options.
    pub fn new() -> Self {
        Self
    }
}

impl Sampler for Dpmpp2m {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = denoise_between(context, &x, from, to)?;
        Ok(transfer(x, denoised, from, to))
    }
}

/// The denoised image to step along: the one at the middle of the step in `ln sigma`, on the straight line through those
/// of this step and the one before. For a first-order step, this step's own.
pub(crate) fn denoise_between(
    context: &mut StepContext,
    x: &Tensor<4>,
    from: f64,
    to: f64,
) -> Result<Tensor<4>, DenoiseError> {
    let denoised = context.model.denoise(x.clone(), from)?;
    context.history.push(Evaluated { sigma: from, x: x.clone(), denoised: denoised.clone() }, 2);
    let last_of_few = context.step + 1 == context.steps && context.steps < 15;
    Ok(match before(context.history) {
        Some(before) if to > 0.0 && !last_of_few => {
            // h/(2·h_last), the paper's 1/(2r).
            let share = (from / to).ln() / (before.sigma / from).ln() / 2.0;
            denoised.clone() + (denoised - before.denoised.clone()) * share
        }
        _ => denoised,
    })
}

/// The evaluation before the newest.
fn before(history: &History) -> Option<&Evaluated> {
    history.evaluated().iter().nth_back(1)
}
