use burn::tensor::Tensor;

use crate::Evaluated;

/// Adds `Σ weight·(other.denoised − start.denoised)` to `x`: what a step bends by for the levels seen beside its start.
pub(crate) fn add_slopes(x: Tensor<4>, start: &Evaluated, others: &[Evaluated], weights: &[f64]) -> Tensor<4> {
    let slope = |other: &Evaluated| other.denoised.clone() - start.denoised.clone();
    others.iter().zip(weights).fold(x, |x, (other, weight)| x + slope(other) * *weight)
}

/// The weight of the one slope in a step from level `start` to `to`, where the straight line through the clean images
/// seen at `start` and at `other` takes the mean of its two ends, times `share`.
///
/// Not the exact integral, but of the same order; so have it the authors of UniPC and of SA-Solver, and diffusers.
pub(crate) fn mean_slope(start: f64, other: f64, to: f64, share: f64) -> f64 {
    share / 2.0 * (start / to).ln() / (start / other).ln()
}
