use burn::tensor::Tensor;
use sd_schedule::Prediction;

use crate::rules::adams_bashforth::{blend, coefficients};
use crate::rules::transfer::transfer_by;
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// A linear multistep method whose weights are given for each step, such as `sd tune` finds for a model (Frankel et al. 2025).
///
/// Step `i` goes along a weighted sum of the newest noise predictions. With the weights of [`Ipndm`](crate::Ipndm) it is that
/// sampler. Deterministic, one network call per step. It has no order: its steps are made for their levels only.
///
/// Where a step has fewer predictions than weights, because the sampling began in the middle, it is iPNDM's.
#[derive(Debug, Clone, PartialEq)]
pub struct Multistep {
    weights: Vec<Vec<f64>>,
}

impl Multistep {
    /// A method with the weights of each step, those of the newest predictions last.
    ///
    /// # Panics
    ///
    /// Panics if there are no steps, or a step has no weights or more than four.
    pub fn new(weights: Vec<Vec<f64>>) -> Self {
        assert!(!weights.is_empty(), "a multistep method without steps");
        assert!(weights.iter().all(|of_step| (1..=4).contains(&of_step.len())), "a step has 1 to 4 weights");
        Self { weights }
    }

    /// The weights of [`Ipndm`](crate::Ipndm) for each of so many steps: the classical ones for equal steps.
    pub fn classical_weights(steps: usize) -> Vec<Vec<f64>> {
        (1..=steps).map(|predictions| coefficients(predictions.min(4)).to_vec()).collect()
    }
}

impl Sampler for Multistep {
    /// # Panics
    ///
    /// Panics if there are more steps than weights.
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        context.history.push(Evaluated { sigma: from, x: x.clone(), denoised }, 4);
        let (evaluated, weights) = (context.history.evaluated(), &self.weights[context.step]);
        let eps = match evaluated.len().checked_sub(weights.len()) {
            None => blend(evaluated.iter().map(Evaluated::eps)),
            Some(older) => {
                let weighted = evaluated[older..].iter().zip(weights).map(|(evaluated, w)| evaluated.eps() * *w);
                weighted.reduce(|a, b| a + b).expect("at least one")
            }
        };
        Ok(transfer_by(Prediction::Eps, x, eps, from, to))
    }
}
