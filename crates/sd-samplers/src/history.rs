use burn::tensor::Tensor;
use sd_schedule::Prediction;

use crate::rules::transfer::output_of;

/// A model's evaluation at one noise level.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The level, above 0.
    pub sigma: f64,
    /// The noisy image there: `[batch, channels, height, width]`.
    pub x: Tensor<4>,
    /// The model's denoised image, of the same shape.
    pub denoised: Tensor<4>,
}

impl Evaluated {
    /// The noise in the image, `(x − denoised)/sigma`: the slope `dx/dsigma` of the probability-flow path.
    pub fn eps(&self) -> Tensor<4> {
        self.output(Prediction::Eps)
    }

    /// The output that a network with the given prediction would have had.
    pub fn output(&self, prediction: Prediction) -> Tensor<4> {
        output_of(prediction, self.x.clone(), self.denoised.clone(), self.sigma)
    }
}

/// A sampler's memory of an image: its latest evaluations, the newest last.
#[derive(Debug, Clone, Default)]
pub struct History(pub(crate) Vec<Evaluated>);

impl History {
    /// Adds an evaluation and forgets all but the newest `keep`.
    pub fn push(&mut self, evaluated: Evaluated, keep: usize) {
        self.0.push(evaluated);
        self.0.drain(..self.0.len().saturating_sub(keep));
    }

    /// All remembered evaluations, the newest last.
    pub fn evaluated(&self) -> &[Evaluated] {
        &self.0
    }

    /// The newest evaluation, if any.
    pub fn last(&self) -> Option<&Evaluated> {
        self.0.last()
    }
}
