use burn::tensor::Tensor;
use sd_schedule::Prediction;

use crate::rules::adams_bashforth::blend;
use crate::rules::transfer::transfer_by;
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// iPNDM: "improved PNDM" (Zhang & Chen 2023, the paper of DEIS).
///
/// Steps along a blend of the last `order` noise predictions, with the coefficients for equal steps. Deterministic. Every
/// step takes one network call, without the warm-up of [`Pndm`](crate::Pndm): the first steps have lower orders instead.
///
/// Order 2 from `order` 2 on, because steps in `sigma` are not equal: 4 gives smaller errors than 2, but not a higher
/// order. [`Lms`](crate::Lms), which has the coefficients for unequal steps, is more accurate with 3 and 4.
///
/// Reproduces other programs' iPNDM images, and replaces [`Plms`](crate::Plms) if its extra call is too much.
#[derive(Debug, Clone, PartialEq)]
pub struct Ipndm {
    order: usize,
}

impl Ipndm {
    /// iPNDM over up to `order` predictions, 1 to 4; the paper uses 4.
    ///
    /// # Panics
    ///
    /// Panics if `order` is not 1 to 4.
    pub fn new(order: usize) -> Self {
        assert!((1..=4).contains(&order), "the order is {order}, but must be 1 to 4");
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
