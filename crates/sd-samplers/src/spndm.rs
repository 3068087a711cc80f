use burn::tensor::Tensor;
use sd_schedule::{NoiseLevels, Prediction};

use crate::adams_bashforth::blend;
use crate::heun::heun;
use crate::plms::starts_ahead;
use crate::transfer::transfer_by;
use crate::{Run, Sampler, Seen, Stop};

/// S-PNDM, the second-order one of the pseudo numerical methods (Liu et al. 2022).
///
/// The first step is the paper's pseudo improved Euler step, which in variance-exploding form is Heun's; the others
/// step along `(3·eps − eps_before)/2`. Deterministic. Order 2. One network call per step and one more for the first,
/// unless that goes to level 0 or comes from pure noise: then it is Euler's.
///
/// Good from about 20 steps; where guidance is strong or steps are long, steadier than the blend of four predictions
/// that [`Plms`](crate::Plms) makes, which is more accurate elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Spndm;

impl Sampler for Spndm {
    fn step(&self, run: &mut Run, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, Stop> {
        let denoised = run.model.denoise(x.clone(), from)?;
        run.history.push(Seen { sigma: from, x: x.clone(), denoised: denoised.clone() }, 2);
        match run.history.seen() {
            [_] => heun(run.model, x, denoised, from, to),
            seen => Ok(transfer_by(Prediction::Eps, x, blend(seen.iter().map(Seen::eps)), from, to)),
        }
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        levels.steps() + usize::from(starts_ahead(Prediction::Eps, levels))
    }
}
