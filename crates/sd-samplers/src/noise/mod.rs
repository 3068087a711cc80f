//! Sources of noise.

mod brownian;
mod slerp;
mod torch;

pub use brownian::BrownianNoise;
use burn::tensor::{Tensor, TensorData};
pub use slerp::{slerp, vary};
pub use torch::TorchNoise;

/// A source of standard normal noise.
///
/// Noise is drawn on the host, so that a seed gives the same image on every device.
pub trait Noise: Send {
    /// Draws the noise from which an image starts, with the shape, device and precision of `like`.
    ///
    /// # Shapes
    ///
    /// - like: `[batch, channels, height, width]`
    /// - output: as like
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4>;

    /// Draws fresh noise for the step from noise level `from` down to `to`.
    ///
    /// # Shapes
    ///
    /// - like: `[batch, channels, height, width]`
    /// - output: as like
    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4>;
}

/// Draws the next values for every purpose, as PyTorch programs do with `torch.randn`.
impl Noise for TorchNoise {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        let shape = like.dims();
        let values = self.randn(shape.iter().product());
        Tensor::from_data(TensorData::new(values, shape), (&like.device(), like.dtype()))
    }

    fn draw(&mut self, like: &Tensor<4>, _from: f64, _to: f64) -> Tensor<4> {
        self.start(like)
    }
}
