use burn::tensor::Tensor;

/// Why a denoiser gave up: its own error, or that it was cancelled. The loop hands it on as it is.
pub type DenoiseError = Box<dyn std::error::Error + Send + Sync>;

/// The clean image behind a noisy one: what a sampler asks of a model.
///
/// Guidance, progress, cancelling, checks and masks are denoisers around a denoiser. Closures are denoisers.
pub trait Denoiser {
    /// The expected clean image, given `x` at noise level `sigma ≥ 0`.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, channels, height, width]`, in variance-exploding form: `x0 + sigma·eps`
    /// - output: as x
    ///
    /// # Errors
    ///
    /// Whatever should end the sampling.
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError>;
}

impl<F: FnMut(Tensor<4>, f64) -> Result<Tensor<4>, DenoiseError>> Denoiser for F {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        self(x, sigma)
    }
}
