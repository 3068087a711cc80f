//! Where the noise comes from.

mod torch;

use burn::tensor::{Tensor, TensorData};
pub use torch::TorchNoise;

/// A source of standard normal noise.
///
/// Noise is drawn on the host, so that a seed means the same picture on every device.
pub trait Noise {
    /// The next noise, in the shape, on the device and in the precision of `like`.
    ///
    /// # Shapes
    ///
    /// - like: `[batch, channels, height, width]`
    /// - output: as like
    fn draw(&mut self, like: &Tensor<4>) -> Tensor<4>;
}

impl Noise for TorchNoise {
    fn draw(&mut self, like: &Tensor<4>) -> Tensor<4> {
        let shape = like.dims();
        let numbers = self.randn(shape.iter().product());
        Tensor::from_data(TensorData::new(numbers, shape), (&like.device(), like.dtype()))
    }
}
