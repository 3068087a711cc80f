use burn::tensor::Tensor;

use crate::Evaluated;

/// Adds `Σ weight·(other.denoised − start.denoised)` to `x`: the curvature that evaluations other than the start's show.
pub(crate) fn add_slopes(x: Tensor<4>, start: &Evaluated, others: &[Evaluated], weights: &[f64]) -> Tensor<4> {
    let slope = |other: &Evaluated| other.denoised.clone() - start.denoised.clone();
    others.iter().zip(weights).fold(x, |x, (other, weight)| x + slope(other) * *weight)
}

/// The weight of the only slope in a step from level `start` to `to`. The straight line through the clean images at `start`
/// and at `other` is replaced by the mean of its values at both ends of the step, times `share`.
///
/// This is not the exact integral, but of the same order. UniPC, SA-Solver and diffusers use the same approximation.
pub(crate) fn mean_slope(start: f64, other: f64, to: f64, share: f64) -> f64 {
    share / 2.0 * (start / to).ln() / (start / other).ln()
}
