use burn::tensor::Tensor;

use crate::rules::exponential_weights::exponential_weights;
use crate::rules::slopes::{add_slopes, mean_slope};
use crate::rules::transfer::transfer;
use crate::{DenoiseError, Evaluated, Sampler, StepContext};

/// UniPC's function `B(h)` (Zhao et al. 2023, section 3.1), where `h` is the step in `ln sigma`.
///
/// It matters only with a single slope, in the predictor of order 2 and the corrector of order 1; with more slopes it
/// cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BFunction {
    /// `B(h) = h`: for fewer than ten steps without guidance.
    Bh1,
    /// `B(h) = 1 − e^(−h)`: diffusers' choice, which moves less in long steps.
    Bh2,
}

/// UniPC, which predicts each image and corrects it once the network has evaluated it (Zhao et al. 2023, algorithms 1 and
/// 2, with data prediction; diffusers' `UniPCMultistepScheduler`).
///
/// Deterministic, order 2. A single step has the requested order and, once corrected, one more. But the order builds up
/// over the first steps and falls over the last ones: the last step is of order 1 and never corrected, so that it can go
/// to level 0. One network call per step, because the corrector uses the next step's call. Good from about 8 steps: order
/// 2 with guidance, 3 without.
///
/// diffusers' own last step to level 0 gives NaN with [`BFunction::Bh1`].
#[derive(Debug, Clone, PartialEq)]
pub struct UniPc {
    order: usize,
    b: BFunction,
}

impl UniPc {
    /// UniPC whose predictor has order 1, 2 or 3.
    ///
    /// # Panics
    ///
    /// Panics for any other order.
    pub fn new(order: usize, b: BFunction) -> Self {
        assert!((1..=3).contains(&order), "the order is {order}, but must be 1, 2 or 3");
        Self { order, b }
    }

    /// The weights of the slopes from `start` to the `others`, for a step from level `start` to `to`.
    fn weights(&self, start: f64, others: &[Evaluated], to: f64) -> Vec<f64> {
        let h = (start / to).ln();
        match others {
            [] => vec![],
            [other] => {
                let share = match self.b {
                    BFunction::Bh1 => h,
                    BFunction::Bh2 => -(-h).exp_m1(),
                };
                vec![mean_slope(start, other.sigma, to, share)]
            }
            // As many conditions as slopes: the weights are those of the polynomial through all evaluations.
            _ => {
                let back = |sigma: f64| (sigma / to).ln();
                let nodes: Vec<f64> = others.iter().map(|evaluated| back(evaluated.sigma)).chain([h]).collect();
                exponential_weights(&nodes, h)
            }
        }
    }

    /// Corrects the image at the newest level by the evaluation there; `evaluated` has the newest first, at least two.
    ///
    /// The step that led there, of at most the given order, now also uses the slope to its end. This adds the difference
    /// from what its predictor already used.
    fn correct(&self, x: Tensor<4>, evaluated: &[Evaluated], order: usize) -> Tensor<4> {
        let (here, start) = (&evaluated[0], &evaluated[1]);
        let past = &evaluated[2..evaluated.len().min(order + 1)];
        let others = [std::slice::from_ref(here), past].concat();
        let mut weights = self.weights(start.sigma, &others, here.sigma);
        let predicted = self.weights(start.sigma, past, here.sigma);
        weights[1..].iter_mut().zip(predicted).for_each(|(weight, before)| *weight -= before);
        add_slopes(x, start, &others, &weights)
    }
}

impl Sampler for UniPc {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        context.history.push(Evaluated { sigma: from, x: x.clone(), denoised: denoised.clone() }, self.order + 1);
        let evaluated: Vec<Evaluated> = context.history.evaluated().iter().rev().cloned().collect();
        let steps_left = context.steps - context.step;

        let x = if evaluated.len() > 1 { self.correct(x, &evaluated, self.order.min(steps_left + 1)) } else { x };
        let order = self.order.min(steps_left).min(evaluated.len());
        let past = &evaluated[1..order];
        Ok(add_slopes(transfer(x, denoised, from, to), &evaluated[0], past, &self.weights(from, past, to)))
    }
}
