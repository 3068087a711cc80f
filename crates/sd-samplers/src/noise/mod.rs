//! Where the noise comes from.

mod brownian;
mod torch;

pub use brownian::BrownianNoise;
use burn::tensor::{Tensor, TensorData};
pub use torch::TorchNoise;

/// A source of standard normal noise.
///
/// Noise is drawn on the host, so that a seed means the same image on every device.
pub trait Noise: Send {
    /// The noise an image starts from, in the shape, on the device and in the precision of `like`.
    ///
    /// # Shapes
    ///
    /// - like: `[batch, channels, height, width]`
    /// - output: as like
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4>;

    /// Fresh noise for the way from noise level `from` down to `to`.
    ///
    /// # Shapes
    ///
    /// - like: `[batch, channels, height, width]`
    /// - output: as like
    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4>;
}

/// The next numbers, whatever they are for: what PyTorch programs do that draw with `torch.randn`.
impl Noise for TorchNoise {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        let shape = like.dims();
        let numbers = self.randn(shape.iter().product());
        Tensor::from_data(TensorData::new(numbers, shape), (&like.device(), like.dtype()))
    }

    fn draw(&mut self, like: &Tensor<4>, _from: f64, _to: f64) -> Tensor<4> {
        self.start(like)
    }
}
