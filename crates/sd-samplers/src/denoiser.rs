use burn::tensor::Tensor;

/// Why a denoiser stopped: its own error, or a cancellation. The sampling loop returns it unchanged.
pub type DenoiseError = Box<dyn std::error::Error + Send + Sync>;

/// Estimates the clean image behind a noisy one; samplers call models through it.
///
/// Guidance, progress, cancellation, checks and masks are denoisers that wrap a denoiser. Closures are denoisers.
pub trait Denoiser {
    /// Returns the expected clean image, given `x` at noise level `sigma ≥ 0`.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, channels, height, width]`, in variance-exploding form: `x0 + sigma·eps`
    /// - output: as x
    ///
    /// # Errors
    ///
    /// Any error; it ends the sampling.
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError>;
}

impl<F: FnMut(Tensor<4>, f64) -> Result<Tensor<4>, DenoiseError>> Denoiser for F {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        self(x, sigma)
    }
}
