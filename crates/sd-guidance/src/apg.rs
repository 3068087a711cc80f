use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::Coefficients;
use crate::products::{TINY, dot};

/// Adaptive projected guidance (Sadat et al. 2024, algorithm 1): what guidance adds is slowed down, bounded, and freed of the part along
/// the denoised image, which oversaturates.
///
/// With `eta` 1, no bound and `momentum` 0 it is classifier-free guidance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apg {
    /// Share of the part along the denoised image; 0 in the paper.
    pub eta: f64,
    /// Bound of the norm of `denoised prompt − denoised negative` over all values of an image; none is no bound.
    pub norm: Option<f64>,
    /// Share of the last call's direction that is added to this call's, in `(-1, 1)`; below 0 it pushes away from it.
    pub momentum: f64,
}

impl Apg {
    /// The paper's values for Stable Diffusion XL, `eta` 0, norm 15 and momentum -0.5 (table 10), for latents of this many values.
    ///
    /// 15 is for the 65536 values of a latent 4×128×128. The bound grows with the root of their number, as norms do.
    pub fn published(values: usize) -> Self {
        Self { eta: 0.0, norm: Some(15.0 * (values as f64 / 65536.0).sqrt()), momentum: -0.5 }
    }

    /// Returns the direction that takes the place of `prompt − negative`; all are raw predictions.
    pub(crate) fn project(
        &self,
        state: &mut GuidanceState,
        direction: Tensor<4>,
        prompt: &Tensor<4>,
        coefficients: Coefficients,
        x: &Tensor<4>,
    ) -> Tensor<4> {
        let mut direction = direction * coefficients.out;
        if self.momentum != 0.0 {
            if let Some(last) = state.direction.take() {
                direction = direction + last * self.momentum;
            }
            state.direction = Some(direction.clone());
        }
        if let Some(bound) = self.norm {
            let norm = dot(&direction, &direction).sqrt().clamp_min(TINY);
            direction = direction * (norm.recip() * bound).clamp_max(1.0);
        }
        let denoised = coefficients.denoised(x, prompt.clone());
        let along = dot(&direction, &denoised) / dot(&denoised, &denoised).clamp_min(TINY);
        (direction - denoised * along * (1.0 - self.eta)) / coefficients.out
    }
}

/// What guidance remembers from call to call while an image is drawn; begin every image with the default.
#[derive(Debug, Clone, Default)]
pub struct GuidanceState {
    /// The sum of directions with momentum, as denoised images.
    direction: Option<Tensor<4>>,
}
