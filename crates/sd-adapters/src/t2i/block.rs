use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::relu;
use sd_ops::{Edges, convolve, convolve_within};

use super::config::BlockPlan;
use super::pixels::halve;

/// The layers before a feature map.
#[derive(Module, Debug)]
pub(super) struct Block {
    in_conv: Option<Conv2d>,
    resnets: Vec<ResnetBlock>,
    out_conv: Option<Conv2d>,
    halves: bool,
}

impl Block {
    pub fn new(plan: &BlockPlan, resnets: usize, device: &Device) -> Self {
        let &BlockPlan { inputs, width, outputs, halves, kernel, is_light } = plan;
        Self {
            in_conv: (is_light || inputs != width).then(|| convolution(inputs, width, 1, device)),
            resnets: (0..resnets).map(|_| ResnetBlock::new(width, kernel, device)).collect(),
            out_conv: is_light.then(|| convolution(width, outputs, 1, device)),
            halves,
        }
    }

    /// `x`: `[batch, inputs, height, width]`; output: `[batch, outputs, height, width]`, or half of them, rounded up.
    pub fn forward(&self, x: Tensor<4>, edges: Edges) -> Tensor<4> {
        let x = if self.halves { halve(x) } else { x };
        let x = self.in_conv.iter().fold(x, |x, conv| convolve(conv, x));
        let x = self.resnets.iter().fold(x, |x, resnet| resnet.forward(x, edges));
        self.out_conv.iter().fold(x, |x, conv| convolve(conv, x))
    }

    /// The precision in which images are expected; weights may be narrower.
    pub fn dtype(&self) -> DType {
        self.resnets[0].block1.bias.as_ref().expect("these convolutions have biases").val().dtype()
    }
}

/// Two convolutions and a residual connection.
#[derive(Module, Debug)]
struct ResnetBlock {
    block1: Conv2d,
    block2: Conv2d,
}

impl ResnetBlock {
    fn new(channels: usize, kernel: usize, device: &Device) -> Self {
        Self {
            block1: convolution(channels, channels, 3, device),
            block2: convolution(channels, channels, kernel, device),
        }
    }

    /// `x` and output: `[batch, channels, height, width]`.
    fn forward(&self, x: Tensor<4>, edges: Edges) -> Tensor<4> {
        let h = relu(convolve_within(&self.block1, x.clone(), edges));
        convolve_within(&self.block2, h, edges) + x
    }
}

/// A convolution that keeps the size of an image; `kernel` is odd.
pub(super) fn convolution(inputs: usize, outputs: usize, kernel: usize, device: &Device) -> Conv2d {
    let around = kernel / 2;
    let padding = PaddingConfig2d::Explicit(around, around, around, around);
    Conv2dConfig::new([inputs, outputs], [kernel, kernel]).with_padding(padding).init(device)
}
