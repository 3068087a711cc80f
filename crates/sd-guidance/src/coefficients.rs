use burn::tensor::Tensor;

/// What a raw prediction means at the noise level where it was made: the denoised image is `skip·x + out·prediction`.
///
/// For `x` in variance-exploding form they are those of sd-schedule's `Prediction::coefficients`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// Factor of the noisy image.
    pub skip: f64,
    /// Factor of the prediction, not 0.
    pub out: f64,
}

/// From `(c_skip, c_out)`.
impl From<(f64, f64)> for Coefficients {
    fn from((skip, out): (f64, f64)) -> Self {
        Self { skip, out }
    }
}

impl Coefficients {
    /// The denoised image.
    pub(crate) fn denoised(self, x: &Tensor<4>, prediction: Tensor<4>) -> Tensor<4> {
        x.clone() * self.skip + prediction * self.out
    }

    /// The prediction that means this denoised image.
    pub(crate) fn prediction(self, x: &Tensor<4>, denoised: Tensor<4>) -> Tensor<4> {
        (denoised - x.clone() * self.skip) / self.out
    }
}
