use burn::tensor::Tensor;
use sd_schedule::{Preconditioning, Process};

use crate::{DenoiseError, Denoiser};

/// A trained network as a [`Denoiser`]: scales its input, converts `sigma` to its time, and turns its prediction into the
/// clean image (Karras et al. 2022, table 1).
pub struct Network<'a, F> {
    /// How the network was trained.
    pub process: &'a Process,
    /// Whether it is called at whole timesteps only, the nearest one to each level.
    pub whole_timesteps: bool,
    /// The network itself: takes a noisy image `[batch, channels, height, width]`, mixed as in its training, and its time;
    /// returns a prediction of the same shape.
    pub call: F,
}

impl<F: FnMut(Tensor<4>, f64) -> Result<Tensor<4>, DenoiseError>> Denoiser for Network<'_, F> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        let Preconditioning { t, c_in, c_skip, c_out } = self.process.preconditioning(sigma, self.whole_timesteps);
        let output = (self.call)(x.clone() * c_in, t)?;
        Ok(x * c_skip + output * c_out)
    }
}
