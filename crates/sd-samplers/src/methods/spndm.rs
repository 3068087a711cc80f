use burn::tensor::Tensor;
use sd_schedule::{NoiseLevels, Prediction};

use crate::methods::heun::heun;
use crate::methods::plms::starts_ahead;
use crate::rules::adams_bashforth::blend;
use crate::rules::transfer::transfer_by;
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// S-PNDM, the second-order pseudo numerical method (Liu et al. 2022).
///
/// The first step is the paper's pseudo improved Euler step, which in variance-exploding form is Heun's; the others
/// step along `(3·eps − eps_before)/2`. Deterministic. Order 2. One network call per step and one more for the first. A
/// first step to level 0 or from pure noise is Euler's, with one call.
///
/// Good from about 20 steps. With strong guidance or long steps it is more stable than [`Plms`](crate::Plms), whose blend
/// of four predictions is more accurate otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Spndm;

impl Sampler for Spndm {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        context.history.push(Evaluated { sigma: from, x: x.clone(), denoised: denoised.clone() }, 2);
        match context.history.evaluated() {
            [_] => heun(context.model, x, denoised, from, to),
            evaluated => Ok(transfer_by(Prediction::Eps, x, blend(evaluated.iter().map(Evaluated::eps)), from, to)),
        }
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        levels.steps() + usize::from(starts_ahead(Prediction::Eps, levels))
    }
}
