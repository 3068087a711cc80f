use burn::tensor::Tensor;
use sd_schedule::{NoiseLevels, Prediction, Process};

use crate::rules::adams_bashforth::blend;
use crate::rules::transfer::{blends, output_of, transfer_by};
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// Steps of the warm-up; with the next step they fill the history of four.
const WARM_UP: usize = 3;

/// PNDM with its pseudo Runge–Kutta warm-up (Liu et al. 2022, algorithm 2: F-PNDM).
///
/// Three steps of four network calls each, then the linear multistep rule of [`Plms`](crate::Plms) with one call per
/// step. Deterministic, order 2. The warm-up takes nine extra calls, compared with one for PLMS: worth it from about 30
/// steps. With noise predictions, a first step from pure noise is Euler's.
///
/// It blends the network's own prediction, see [`Plms`](crate::Plms).
#[derive(Debug, Clone, PartialEq)]
pub struct Pndm {
    process: Process,
    blended: Prediction,
}

impl Pndm {
    /// PNDM that blends predictions of the given kind; the process determines the level half-way in `t`.
    pub fn new(process: impl Into<Process>, blended: Prediction) -> Self {
        Self { process: process.into(), blended }
    }

    /// The noise level half-way in `t` between two levels.
    ///
    /// diffusers rounds to whole timesteps here, once up and once down. With an odd stride it thus calls its network half a
    /// timestep away from the image's own level.
    fn half_way(&self, from: f64, to: f64) -> f64 {
        self.process.sigma((self.process.t(from) + self.process.t(to)) / 2.0)
    }
}

impl Sampler for Pndm {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        context.history.push(Evaluated { sigma: from, x: x.clone(), denoised }, 4);
        let move_by = |output: &Tensor<4>, to| transfer_by(self.blended, x.clone(), output.clone(), from, to);
        let evaluated = context.history.evaluated();
        let blended = if evaluated.len() <= WARM_UP && blends(self.blended, from, to) {
            let mut output = |x: Tensor<4>, sigma| -> Result<Tensor<4>, DenoiseError> {
                Ok(output_of(self.blended, x.clone(), context.model.denoise(x, sigma)?, sigma))
            };
            let middle = self.half_way(from, to);
            let k1 = evaluated[evaluated.len() - 1].output(self.blended);
            let k2 = output(move_by(&k1, middle), middle)?;
            let k3 = output(move_by(&k2, middle), middle)?;
            let k4 = output(move_by(&k3, to), to)?;
            (k1 + k2 * 2.0 + k3 * 2.0 + k4) / 6.0
        } else {
            blend(evaluated.iter().map(|evaluated| evaluated.output(self.blended)))
        };
        Ok(move_by(&blended, to))
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        let long = levels.pairs().take(WARM_UP).filter(|&(from, to)| blends(self.blended, from, to)).count();
        levels.steps() + 3 * long
    }

    /// The warm-up must not reach level 0, where there is no noise to predict.
    fn min_steps(&self) -> usize {
        WARM_UP + 1
    }
}
