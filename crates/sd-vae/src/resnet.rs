use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, PaddingConfig2d};
use burn::prelude::*;
use sd_ops::{convolve, normalise_silu};

/// Two convolutions with a residual connection.
#[derive(Module, Debug)]
pub(crate) struct ResnetBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
}

impl ResnetBlock {
    pub fn new(groups: usize, channels_in: usize, channels_out: usize, device: &Device) -> Self {
        Self {
            norm1: norm(groups, channels_in, device),
            conv1: conv3x3(channels_in, channels_out, device),
            norm2: norm(groups, channels_out, device),
            conv2: conv3x3(channels_out, channels_out, device),
            conv_shortcut: (channels_in != channels_out)
                .then(|| Conv2dConfig::new([channels_in, channels_out], [1, 1]).init(device)),
        }
    }

    /// `x`: `[batch, channels_in, height, width]`; output: `[batch, channels_out, height, width]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let h = convolve(&self.conv1, normalise_silu(&self.norm1, x.clone()));
        let h = convolve(&self.conv2, normalise_silu(&self.norm2, h));
        let x = match &self.conv_shortcut {
            Some(conv) => convolve(conv, x),
            None => x,
        };
        x + h
    }
}

/// The autoencoder's group norm.
pub(crate) fn norm(groups: usize, channels: usize, device: &Device) -> GroupNorm {
    GroupNormConfig::new(groups, channels).with_epsilon(1e-6).init(device)
}

/// A 3×3 convolution with zero padding of 1.
pub(crate) fn conv3x3(channels_in: usize, channels_out: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([channels_in, channels_out], [3, 3])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .init(device)
}
