use burn::tensor::Tensor;
use sd_schedule::Prediction;

/// Moves `x` from noise level `from` to `to` along a straight line through `denoised`.
///
/// In variance-exploding form this is a step of DDIM with eta 0 (Song et al. 2021, equation 12), the transfer part of PNDM
/// (Liu et al. 2022, equation 11) and Euler's method (Karras et al. 2022, algorithm 1).
pub(crate) fn transfer(x: Tensor<4>, denoised: Tensor<4>, from: f64, to: f64) -> Tensor<4> {
    denoised.clone() + (x - denoised) * (to / from)
}

/// Recovers the network's prediction from the `denoised` image computed from it; `sigma > 0`.
pub(crate) fn output_of(prediction: Prediction, x: Tensor<4>, denoised: Tensor<4>, sigma: f64) -> Tensor<4> {
    let (c_skip, c_out) = prediction.coefficients(sigma);
    (denoised - x * c_skip) / c_out
}

/// Whether a step from level `from` may blend the network's prediction at the lower level `to` into its own.
///
/// At level 0 there is no noise to predict. Also, computing a denoised image multiplies a noise prediction by `from`: a
/// small change `d` of the image between the levels becomes about `d·from/to`. A schedule that begins in pure noise has a
/// first step from level 20 000 to 15 or so, which noise predicted at 15 ruins. Other predictions are not multiplied.
pub(crate) fn blends(prediction: Prediction, from: f64, to: f64) -> bool {
    /// Larger than the ratio of any other step: with 3 steps, Stable Diffusion's schedule reaches 55.
    const FARTHEST: f64 = 64.0;
    to > 0.0 && (prediction != Prediction::Eps || from <= FARTHEST * to)
}

/// As [`transfer`], with the denoised image computed from a prediction.
pub(crate) fn transfer_by(prediction: Prediction, x: Tensor<4>, output: Tensor<4>, from: f64, to: f64) -> Tensor<4> {
    let (c_skip, c_out) = prediction.coefficients(from);
    let denoised = x.clone() * c_skip + output * c_out;
    transfer(x, denoised, from, to)
}
