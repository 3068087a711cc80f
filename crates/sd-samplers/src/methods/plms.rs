use burn::tensor::Tensor;
use sd_schedule::{NoiseLevels, Prediction};

use crate::rules::adams_bashforth::blend;
use crate::rules::transfer::{blends, transfer_by};
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// PLMS: PNDM without Runge–Kutta warm-up, as in CompVis' `plms.py` (Liu et al. 2022, with the start of its S-PNDM).
///
/// A linear multistep method over the network's last four outputs. Deterministic, order 2: good from about 15 steps.
/// One network call per step and one more for the first, which is an improved Euler step.
///
/// It blends the network's own prediction, as in diffusers. For `eps` this is the paper's method. Blending `v` loses an
/// order, because the transfer then counts the turn of `v` along the step twice. Pass [`Prediction::Eps`] for order 2
/// with any network.
#[derive(Debug, Clone, PartialEq)]
pub struct Plms {
    blended: Prediction,
}

impl Plms {
    /// PLMS that blends predictions of the given kind.
    pub fn new(blended: Prediction) -> Self {
        Self { blended }
    }
}

impl Sampler for Plms {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        context.history.push(Evaluated { sigma: from, x: x.clone(), denoised }, 4);
        let output = |evaluated: &Evaluated| evaluated.output(self.blended);
        let blended = match context.history.evaluated() {
            [here] if blends(self.blended, from, to) => {
                let here = output(here);
                let ahead = transfer_by(self.blended, x.clone(), here.clone(), from, to);
                let denoised = context.model.denoise(ahead.clone(), to)?;
                (here + output(&Evaluated { sigma: to, x: ahead, denoised })) / 2.0
            }
            evaluated => blend(evaluated.iter().map(output)),
        };
        Ok(transfer_by(self.blended, x, blended, from, to))
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        levels.steps() + usize::from(starts_ahead(self.blended, levels))
    }
}

/// Whether the first step calls the network a second time.
pub(crate) fn starts_ahead(blended: Prediction, levels: &NoiseLevels) -> bool {
    levels.pairs().next().is_some_and(|(from, to)| blends(blended, from, to))
}
