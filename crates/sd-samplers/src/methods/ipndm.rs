use burn::tensor::Tensor;
use sd_schedule::Prediction;

use crate::rules::adams_bashforth::blend;
use crate::rules::transfer::transfer_by;
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// iPNDM: "improved PNDM" (Zhang & Chen 2023, the paper of DEIS).
///
/// Steps along a blend of the last `order` predicted noises, with the coefficients of equal steps. Deterministic. One
/// network call per step, from the first: where [`Pndm`](crate::Pndm) warms up, its first steps have lower orders.
///
/// Order 2 from `order` 2 on, because steps in `sigma` are not equal: 4 gives smaller errors than 2, but not a higher
/// order. [`Lms`](crate::Lms), which has the coefficients for unequal steps, is more accurate with 3 and 4.
///
/// For what other programs draw with iPNDM, and in place of [`Plms`](crate::Plms) where no call is to spare.
#[derive(Debug, Clone, PartialEq)]
pub struct Ipndm {
    order: usize,
}

impl Ipndm {
    /// iPNDM over up to `order` predictions, 1 to 4; the paper's is 4.
    ///
    /// # Panics
    ///
    /// Panics if `order` is not 1 to 4.
    pub fn new(order: usize) -> Self {
        assert!((1..=4).contains(&order), "order {order}, but 1 to 4 is meant");
        Self { order }
    }
}

impl Sampler for Ipndm {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        context.history.push(Evaluated { sigma: from, x: x.clone(), denoised }, self.order);
        let eps = blend(context.history.evaluated().iter().map(Evaluated::eps));
        Ok(transfer_by(Prediction::Eps, x, eps, from, to))
    }
}
