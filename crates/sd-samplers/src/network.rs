use burn::tensor::Tensor;
use sd_schedule::{Preconditioning, Process};

use crate::{DenoiseError, Denoiser, Estimate};

/// A trained network as a [`Denoiser`]: scales its input, converts `sigma` to its time, and turns its prediction into the
/// clean image (Karras et al. 2022, table 1).
pub struct Network<'a, F> {
    /// How the network was trained.
    pub process: &'a Process,
    /// Whether it is called at whole timesteps only, the nearest one to each level.
    pub whole_timesteps: bool,
    /// The network itself: takes a noisy image `[batch, channels, height, width]`, mixed as in its training, and its time;
    /// returns a prediction of the same shape. One with twice as many channels has a learned variance in the second half.
    pub call: F,
}

impl<F: FnMut(Tensor<4>, f64) -> Result<Tensor<4>, DenoiseError>> Denoiser for Network<'_, F> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        Ok(self.estimate(x, sigma)?.denoised)
    }

    fn estimate(&mut self, x: Tensor<4>, sigma: f64) -> Result<Estimate, DenoiseError> {
        let Preconditioning { t, c_in, c_skip, c_out } = self.process.preconditioning(sigma, self.whole_timesteps);
        let (output, variance) = halves((self.call)(x.clone() * c_in, t)?, x.dims()[1]);
        Ok(Estimate { denoised: x * c_skip + output * c_out, variance })
    }
}

/// Splits a network's output into its prediction for images of `channels`, and what it learnt of the variance if it has twice as many.
///
/// # Shapes
///
/// - output: `[batch, channels, height, width]` or `[batch, 2·channels, height, width]`
pub fn halves(output: Tensor<4>, channels: usize) -> (Tensor<4>, Option<Tensor<4>>) {
    if output.dims()[1] != 2 * channels {
        return (output, None);
    }
    (output.clone().narrow(1, 0, channels), Some(output.narrow(1, channels, channels)))
}
