use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::products::TINY;
use crate::quantile::quantile;

/// Dynamic thresholding (after Saharia et al. 2022, section 2.3; the `dynthresh` of mcmonkey's extension): the guided image keeps the
/// range that a smaller scale would give it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Share of the values of a channel that are not clamped, in `(0, 1]`.
    pub percentile: f64,
    /// The scale whose range the image gets.
    pub mimic: f64,
}

impl Threshold {
    /// Clamps every channel of an image about its mean to the percentile, or to the largest value of `mimic` if that is more, and scales
    /// it to the largest value of `mimic`.
    ///
    /// # Shapes
    ///
    /// - denoised, mimic: `[images, channels, height, width]`
    /// - output: as denoised
    pub(crate) fn apply(&self, denoised: Tensor<4>, mimic: Tensor<4>) -> Tensor<4> {
        let mean = denoised.clone().mean_dims(&[2, 3]);
        let centred = denoised - mean.clone();
        let wanted = (mimic.clone() - mimic.mean_dims(&[2, 3])).abs().max_dims(&[2, 3]);
        let bound = quantile(centred.clone().abs(), self.percentile).max_pair(wanted.clone());
        // Where all values are the same, nothing is divided by 0.
        let share = centred / bound.clamp_min(TINY);
        share.clamp(-1.0, 1.0) * wanted + mean
    }
}
