use burn::tensor::Tensor;

use crate::rules::transfer::transfer;
use crate::{Churn, DenoiseError, Sampler, StepContext};

/// Euler's method (Karras et al. 2022, algorithm 2 without its second call; k-diffusion's `sample_euler`).
///
/// Without churn it is deterministic and the same as [`Ddim`](crate::Ddim) with eta 0; with churn, stochastic. Order 1. One
/// network call per step.
///
/// The plain choice from about 20 steps, and the baseline for all others. Churn helps with many steps, where the errors of
/// the network outweigh those of the steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Euler {
    churn: Churn,
}

impl Euler {
    /// Euler's method with the given churn.
    ///
    /// # Panics
    ///
    /// Panics if one of the churn's values is outside its range.
    pub fn new(churn: Churn) -> Self {
        Self { churn: churn.checked() }
    }
}

impl Sampler for Euler {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let (x, hat) = self.churn.raise(context, x, from);
        let denoised = context.model.denoise(x.clone(), hat)?;
        Ok(transfer(x, denoised, hat, to))
    }
}
