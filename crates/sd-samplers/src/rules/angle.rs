//! The probability-flow equation of images in variance-preserving form, whose time is the angle `theta = atan(sigma)`.

use burn::tensor::Tensor;
use sd_schedule::Prediction;

use crate::{DenoiseError, Denoiser, Evaluated};

/// The slope `d/dtheta` of an image, `[batch, channels, height, width]`: the prediction `v`.
pub(crate) fn slope(evaluated: &Evaluated) -> Tensor<4> {
    evaluated.output(Prediction::V)
}

/// The slope of an image in variance-preserving form, for which the model is called.
pub(crate) fn slope_at(model: &mut dyn Denoiser, x: Tensor<4>, theta: f64) -> Result<Tensor<4>, DenoiseError> {
    let (sigma, x) = (theta.tan(), x / theta.cos());
    let denoised = model.denoise(x.clone(), sigma)?;
    Ok(slope(&Evaluated { sigma, x, denoised }))
}
