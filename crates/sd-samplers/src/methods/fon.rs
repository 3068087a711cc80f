use burn::tensor::Tensor;
use sd_schedule::{NoiseLevels, Prediction};

use crate::rules::adams_bashforth::coefficients;
use crate::rules::angle::{slope, slope_at};
use crate::rules::transfer::blends;
use crate::{DenoiseError, Denoiser, Evaluated, Sampler, StepContext};

/// Steps of the warm-up; with the next step they fill the history of four.
const WARM_UP: usize = 3;

/// FON: the classical fourth-order linear multistep method, to which PNDM is compared (Liu et al. 2022, section 4).
///
/// Three steps of Runge and Kutta with four network calls each, then Adams and Bashforth's rule with one call per step, both
/// on the probability-flow equation of images in variance-preserving form. Deterministic. Order 4 where levels change
/// smoothly from step to step. But a step is a straight line, where those of DDIM and PNDM turn with the mix of image and
/// noise: it is exact neither for a constant image nor for constant noise, which few steps show.
///
/// The angle `theta = atan(sigma)` is the time: the slope of the image is then the prediction `v`. The paper's time is the
/// timestep, and its slope a difference over one of them, which limits the accuracy to the training's timesteps.
#[derive(Debug, Clone, PartialEq)]
pub struct Fon;

impl Sampler for Fon {
    fn step(&self, context: &mut StepContext, x: Tensor<4>, from: f64, to: f64) -> Result<Tensor<4>, DenoiseError> {
        let denoised = context.model.denoise(x.clone(), from)?;
        context.history.push(Evaluated { sigma: from, x: x.clone(), denoised }, 4);
        let evaluated = context.history.evaluated();
        let x = x / from.hypot(1.0);
        let ahead = if evaluated.len() <= WARM_UP && blends(Prediction::V, from, to) {
            runge_kutta(context.model, x, slope(&evaluated[evaluated.len() - 1]), from.atan(), to.atan())?
        } else {
            let thetas = evaluated.iter().map(|evaluated| evaluated.sigma).chain([to]).map(f64::atan);
            let weights = weights(&thetas.collect::<Vec<_>>());
            evaluated.iter().zip(weights).fold(x, |x, (evaluated, weight)| x + slope(evaluated) * weight)
        };
        Ok(ahead * to.hypot(1.0))
    }

    fn calls(&self, levels: &NoiseLevels) -> usize {
        let long = levels.pairs().take(WARM_UP).filter(|&(from, to)| blends(Prediction::V, from, to)).count();
        levels.steps() + 3 * long
    }

    /// The warm-up must not reach level 0, where `v` is not known.
    fn min_steps(&self) -> usize {
        WARM_UP + 1
    }
}

/// The classical step of order 4 from an image whose slope is `k1`, in variance-preserving form.
fn runge_kutta(
    model: &mut dyn Denoiser,
    x: Tensor<4>,
    k1: Tensor<4>,
    from: f64,
    to: f64,
) -> Result<Tensor<4>, DenoiseError> {
    let (h, middle) = (to - from, (from + to) / 2.0);
    let k2 = slope_at(model, x.clone() + k1.clone() * (h / 2.0), middle)?;
    let k3 = slope_at(model, x.clone() + k2.clone() * (h / 2.0), middle)?;
    let k4 = slope_at(model, x.clone() + k3.clone() * h, to)?;
    Ok(x + (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (h / 6.0))
}

/// The weights of the slopes at all `thetas` but the last in the step from the last but one to the last.
///
/// Adams and Bashforth's rule for equal steps in the number of the level, which is the time here: the rate at which theta
/// changes with it comes from the polynomial through all the levels. The weights add up to the step in theta.
fn weights(thetas: &[f64]) -> Vec<f64> {
    let slopes = coefficients(thetas.len() - 1).iter();
    slopes.enumerate().map(|(node, weight)| weight * rate(thetas, node)).collect()
}

/// The derivative at `node` of the polynomial whose values at 0, 1, 2, … are given.
fn rate(values: &[f64], node: usize) -> f64 {
    let (count, at) = (values.len(), |i: usize| i as f64);
    let others = |skipped: usize| (0..count).filter(move |&i| i != skipped);
    let derivative = |i: usize| -> f64 {
        if i == node {
            return others(node).map(|other| 1.0 / (at(node) - at(other))).sum();
        }
        let above: f64 = others(i).filter(|&other| other != node).map(|other| at(node) - at(other)).product();
        above / others(i).map(|other| at(i) - at(other)).product::<f64>()
    };
    values.iter().enumerate().map(|(i, value)| value * derivative(i)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_a_quartic_is_its_derivative() {
        let quartic: Vec<f64> = (0..5).map(|i| f64::from(i).powi(4) - 3.0 * f64::from(i)).collect();
        for node in 0..5 {
            let expected = 4.0 * (node as f64).powi(3) - 3.0;
            assert!((rate(&quartic, node) - expected).abs() < 1e-11, "{node}");
        }
    }

    #[test]
    fn weights_are_the_classical_ones_of_equal_steps_and_add_up_to_any_step() {
        let equal = weights(&[5.0, 4.0, 3.0, 2.0, 1.0]);
        assert!(equal.iter().zip([9.0, -37.0, 59.0, -55.0]).all(|(w, c)| (w - c / 24.0).abs() < 1e-13), "{equal:?}");
        for count in 2..=5 {
            let thetas = &[1.5, 1.3, 0.8, 0.7, 0.1][..count];
            let step = thetas[count - 1] - thetas[count - 2];
            assert!((weights(thetas).iter().sum::<f64>() - step).abs() < 1e-14, "{count}");
        }
    }
}
