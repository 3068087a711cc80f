use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use sd_ops::{Edges, convolve, convolve_within, normalise_silu, project};

/// Settings shared by all residual blocks of a network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResnetConfig {
    /// Groups of the norms.
    pub groups: usize,
    /// Epsilon of the norms.
    pub eps: f64,
    /// Width of the time embedding.
    pub time_width: usize,
}

/// Two convolutions with a time-dependent shift between them, and a residual connection.
#[derive(Module, Debug)]
pub(crate) struct ResnetBlock {
    norm1: GroupNorm,
    conv1: Conv2d,
    time_emb_proj: Linear,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
}

impl ResnetBlock {
    pub fn new(config: ResnetConfig, channels_in: usize, channels_out: usize, device: &Device) -> Self {
        let norm = |channels| GroupNormConfig::new(config.groups, channels).with_epsilon(config.eps).init(device);
        Self {
            norm1: norm(channels_in),
            conv1: conv3x3(channels_in, channels_out, device),
            time_emb_proj: LinearConfig::new(config.time_width, channels_out).init(device),
            norm2: norm(channels_out),
            conv2: conv3x3(channels_out, channels_out, device),
            conv_shortcut: (channels_in != channels_out)
                .then(|| Conv2dConfig::new([channels_in, channels_out], [1, 1]).init(device)),
        }
    }

    /// `x`: `[batch, channels_in, height, width]`; `time`: `[batch, time_embed_dim]`, after SiLU;
    /// output: `[batch, channels_out, height, width]`.
    pub fn forward(&self, x: Tensor<4>, time: Tensor<2>, edges: Edges) -> Tensor<4> {
        let shift = project(&self.time_emb_proj, time);
        let [batch, channels] = shift.dims();
        let h = convolve_within(&self.conv1, normalise_silu(&self.norm1, x.clone()), edges);
        let h = h + shift.reshape([batch, channels, 1, 1]);
        let h = convolve_within(&self.conv2, normalise_silu(&self.norm2, h), edges);
        let x = match &self.conv_shortcut {
            Some(conv) => convolve(conv, x),
            None => x,
        };
        x + h
    }
}

/// Zero padding of 1 on every side.
pub(crate) const PADDING_1: PaddingConfig2d = PaddingConfig2d::Explicit(1, 1, 1, 1);

/// A 3×3 convolution with zero padding of 1.
pub(crate) fn conv3x3(channels_in: usize, channels_out: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([channels_in, channels_out], [3, 3]).with_padding(PADDING_1).init(device)
}
