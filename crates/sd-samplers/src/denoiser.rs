use burn::tensor::Tensor;

/// Why a denoiser stopped: its own error, or a cancellation. The sampling loop returns it unchanged.
pub type DenoiseError = Box<dyn std::error::Error + Send + Sync>;

/// What a model says of a noisy image.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// The expected clean image, `[batch, channels, height, width]`.
    pub denoised: Tensor<4>,
    /// What the model learnt of the variance of ancestral noise, of the same shape; none for most models. Its meaning is that of
    /// [`Variance::LearnedRange`](crate::Variance::LearnedRange) or [`Variance::Learned`](crate::Variance::Learned), by the training.
    pub variance: Option<Tensor<4>>,
}

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

    /// As [`denoise`](Self::denoise), with what the model learnt of the variance. DDPM alone asks for it, so most models need not
    /// have it; a denoiser that wraps another one passes it on.
    ///
    /// # Errors
    ///
    /// As [`denoise`](Self::denoise).
    fn estimate(&mut self, x: Tensor<4>, sigma: f64) -> Result<Estimate, DenoiseError> {
        Ok(Estimate { denoised: self.denoise(x, sigma)?, variance: None })
    }
}

impl<F: FnMut(Tensor<4>, f64) -> Result<Tensor<4>, DenoiseError>> Denoiser for F {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        self(x, sigma)
    }
}
