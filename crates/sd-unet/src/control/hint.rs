use burn::nn::Initializer;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::prelude::*;
use burn::tensor::activation::silu;
use sd_ops::{Edges, convolve_within};

use super::ControlNetConfig;
use crate::resnet::{PADDING_1, conv3x3};

/// An image that steers a U-Net, as its [`ControlNet`](crate::ControlNet) reads it.
#[derive(Debug, Clone)]
pub struct Hint {
    /// From [`ControlNet::embed`](crate::ControlNet::embed), for one image or for each of the batch:
    /// `[1 or batch, finest channels, height, width]`.
    pub features: Tensor<4>,
    /// What the hint shows, below [`UnionConfig::kinds`](crate::UnionConfig); exactly for networks that take several kinds.
    pub kind: Option<usize>,
    /// How much of the hint enters the network: 1 for all of it. Other values are for one of several hints of a network; the
    /// effect of a single hint is set by [scaling the residuals](crate::Residuals::scaled).
    pub scale: f64,
}

impl Hint {
    /// Creates a hint of a network that takes one kind.
    pub fn new(features: Tensor<4>) -> Self {
        Self { features, kind: None, scale: 1.0 }
    }

    /// Says what the hint shows.
    pub fn with_kind(self, kind: usize) -> Self {
        Self { kind: Some(kind), ..self }
    }

    /// Changes how much of the hint enters the network.
    pub fn with_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    /// The features that enter the network.
    pub(super) fn scaled(&self) -> Tensor<4> {
        if self.scale == 1.0 { self.features.clone() } else { self.features.clone() * self.scale }
    }
}

/// Convolutions that bring a hint to the size and the channels of the U-Net's finest level (Zhang et al. 2023, section 3.3).
#[derive(Module, Debug)]
pub(super) struct HintEmbedding {
    conv_in: Conv2d,
    blocks: Vec<Conv2d>,
    conv_out: Conv2d,
}

impl HintEmbedding {
    pub fn new(config: &ControlNetConfig, device: &Device) -> Self {
        let widths = &config.hint_widths;
        let last = [widths[widths.len() - 1], config.unet.levels[0].channels];
        let blocks = widths.windows(2).flat_map(|pair| {
            let halving = Conv2dConfig::new([pair[0], pair[1]], [3, 3]).with_stride([2, 2]).with_padding(PADDING_1);
            [conv3x3(pair[0], pair[0], device), halving.init(device)]
        });
        let zeros = Conv2dConfig::new(last, [3, 3]).with_padding(PADDING_1).with_initializer(Initializer::Zeros);
        Self {
            conv_in: conv3x3(config.hint_channels, widths[0], device),
            blocks: blocks.collect(),
            conv_out: zeros.init(device),
        }
    }

    /// `hint`: `[batch, hint_channels, factor·height, factor·width]`; output: `[batch, finest channels, height, width]`.
    pub fn forward(&self, hint: Tensor<4>, edges: Edges) -> Tensor<4> {
        let mut x = silu(convolve_within(&self.conv_in, hint, edges));
        for conv in &self.blocks {
            x = silu(convolve_within(conv, x, edges));
        }
        convolve_within(&self.conv_out, x, edges)
    }
}
