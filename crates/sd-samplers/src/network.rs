use burn::tensor::Tensor;
use sd_schedule::{NoiseSchedule, Prediction, input_scale};

use crate::{DenoiseError, Denoiser};

/// A network trained on timesteps as a [`Denoiser`]: scales its input, maps `sigma` to `t`, and turns what it predicts
/// into the clean image (Karras et al. 2022, table 1, column "VP").
pub struct Network<'a, F> {
    /// The noise the network was trained with.
    pub schedule: &'a NoiseSchedule,
    /// What its output means.
    pub prediction: Prediction,
    /// Whether it is called at whole timesteps only, the nearest to each level (k-diffusion's `quantize`).
    pub whole_timesteps: bool,
    /// The network itself: a variance-preserving image `[batch, channels, height, width]` and its timestep in
    /// `[0, schedule.len() − 1]` to a prediction of the same shape.
    pub call: F,
}

impl<F: FnMut(Tensor<4>, f64) -> Result<Tensor<4>, DenoiseError>> Denoiser for Network<'_, F> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        let t = self.schedule.t(sigma);
        let t = if self.whole_timesteps { t.round_ties_even() } else { t };
        let output = (self.call)(x.clone() * input_scale(sigma), t)?;
        let (c_skip, c_out) = self.prediction.coefficients(sigma);
        Ok(x * c_skip + output * c_out)
    }
}
