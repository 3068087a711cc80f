use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::prelude::*;
use burn::tensor::activation::leaky_relu;
use sd_ops::convolve;

/// The share of a residual that is added.
const RESIDUAL_SCALE: f64 = 0.2;
const SLOPE: f64 = 0.2;

/// A residual in residual dense block (RRDB): three dense blocks and a residual around them.
#[derive(Module, Debug)]
pub(crate) struct Rrdb {
    rdb1: DenseBlock,
    rdb2: DenseBlock,
    rdb3: DenseBlock,
}

impl Rrdb {
    pub fn new(channels: usize, growth: usize, is_plus: bool, device: &Device) -> Self {
        let block = || DenseBlock::new(channels, growth, is_plus, device);
        Self { rdb1: block(), rdb2: block(), rdb3: block() }
    }

    /// # Shapes
    ///
    /// - x, output: `[batch, channels, height, width]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let inside = self.rdb3.forward(self.rdb2.forward(self.rdb1.forward(x.clone())));
        inside * RESIDUAL_SCALE + x
    }
}

/// Five convolutions, each of the features of all those before it.
#[derive(Module, Debug)]
struct DenseBlock {
    conv1: Conv2d,
    conv2: Conv2d,
    conv3: Conv2d,
    conv4: Conv2d,
    conv5: Conv2d,
    /// ESRGAN+ has further residuals inside of the block.
    conv1x1: Option<Conv2d>,
}

impl DenseBlock {
    fn new(channels: usize, growth: usize, is_plus: bool, device: &Device) -> Self {
        let conv = |before: usize, to| conv3x3(channels + before * growth, to, device);
        let plus = || Conv2dConfig::new([channels, growth], [1, 1]).with_bias(false).init(device);
        Self {
            conv1: conv(0, growth),
            conv2: conv(1, growth),
            conv3: conv(2, growth),
            conv4: conv(3, growth),
            conv5: conv(4, channels),
            conv1x1: is_plus.then(plus),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let join = |features: Tensor<4>, new: Tensor<4>| Tensor::cat(vec![features, new], 1);
        let features = join(x.clone(), activate(convolve(&self.conv1, x.clone())));
        let mut second = activate(convolve(&self.conv2, features.clone()));
        if let Some(conv) = &self.conv1x1 {
            second = second + convolve(conv, x.clone());
        }
        let features = join(features, second.clone());
        let features = join(features.clone(), activate(convolve(&self.conv3, features)));
        let mut fourth = activate(convolve(&self.conv4, features.clone()));
        if self.conv1x1.is_some() {
            fourth = fourth + second;
        }
        convolve(&self.conv5, join(features, fourth)) * RESIDUAL_SCALE + x
    }
}

/// The non-linearity of all layers.
pub(crate) fn activate(x: Tensor<4>) -> Tensor<4> {
    leaky_relu(x, SLOPE)
}

/// A convolution that keeps height and width.
pub(crate) fn conv3x3(from: usize, to: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([from, to], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(device)
}
