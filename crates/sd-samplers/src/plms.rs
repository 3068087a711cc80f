use burn::tensor::Tensor;
use sd_schedule::Prediction;

use crate::adams_bashforth::{History, blend};
use crate::transfer::{output_of, transfer_by};
use crate::{Denoiser, Noise, Sampler, Stop};

/// PLMS: PNDM without Runge–Kutta warm-up, as CompVis' `plms.py` has it (Liu et al. 2022, there S-PNDM's start).
///
/// A linear multistep method over the network's last four outputs. Deterministic, order 2: good from about 15 steps.
/// One network call per step and one more for the first, which is an improved Euler step.
///
/// What is blended is the network's own prediction, as in diffusers. For `eps` that is the paper's method; blending
/// `v` loses an order, because the transfer then counts the turn of `v` along the step twice. Pass
/// [`Prediction::Eps`] for order 2 with any network.
#[derive(Debug, Clone)]
pub struct Plms {
    blended: Prediction,
    history: History,
}

impl Plms {
    /// PLMS that blends predictions of the given kind.
    pub fn new(blended: Prediction) -> Self {
        Self { blended, history: History::default() }
    }
}

impl Sampler for Plms {
    fn step(
        &mut self,
        model: &mut dyn Denoiser,
        _noise: &mut dyn Noise,
        x: Tensor<4>,
        from: f64,
        to: f64,
    ) -> Result<Tensor<4>, Stop> {
        let mut output = |x: &Tensor<4>, sigma| -> Result<Tensor<4>, Stop> {
            Ok(output_of(self.blended, x.clone(), model.denoise(x.clone(), sigma)?, sigma))
        };
        let here = output(&x, from)?;
        self.history.push(here.clone());
        let blended = match self.history.outputs() {
            // At level 0 there is no noise to predict.
            [_] if to > 0.0 => {
                let ahead = output(&transfer_by(self.blended, x.clone(), here.clone(), from, to), to)?;
                (here + ahead) / 2.0
            }
            outputs => blend(outputs),
        };
        Ok(transfer_by(self.blended, x, blended, from, to))
    }

    fn calls(&self, steps: usize) -> usize {
        steps + 1
    }
}
