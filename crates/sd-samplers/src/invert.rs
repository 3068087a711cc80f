use burn::tensor::Tensor;
use sd_schedule::NoiseLevels;

use crate::{DenoiseError, Denoiser};

/// Inverts an image: finds the noise from which [`Ddim`](crate::Ddim) with eta 0 draws it again.
///
/// DDIM's equation, solved from the clean end (Song et al. 2021, section 5.4 and equation 14): it climbs `levels` from the
/// last to the first, one network call per step. What returns when the noise is drawn again differs from the image by an
/// error of order 1 in the number of steps.
///
/// At level 0 no noise can be predicted. The first step from there takes the prediction at the lowest level above it, as
/// CompVis's `encode` does.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`, at noise level `levels.last()`
/// - output: as x, at noise level `levels.first()`
///
/// # Errors
///
/// Whatever the model returns.
pub fn invert(model: &mut dyn Denoiser, mut x: Tensor<4>, levels: &NoiseLevels) -> Result<Tensor<4>, DenoiseError> {
    for pair in levels.sigmas().windows(2).rev() {
        let (from, to) = (pair[1], pair[0]);
        let seen = if from > 0.0 { from } else { to };
        let denoised = model.denoise(x.clone(), seen)?;
        x = x.clone() + (x - denoised) * ((to - from) / seen);
    }
    Ok(x)
}
