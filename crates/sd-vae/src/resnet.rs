use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, PaddingConfig2d};
use burn::prelude::*;
use sd_ops::{Edges, convolve, convolve_within, normalise_silu, normalise_silu_by};

use crate::bands::{Map, Rows, Stage};

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
    pub fn forward(&self, x: Tensor<4>, edges: Edges) -> Tensor<4> {
        let h = convolve_within(&self.conv1, normalise_silu(&self.norm1, x.clone()), edges);
        let h = convolve_within(&self.conv2, normalise_silu(&self.norm2, h), edges);
        let x = match &self.conv_shortcut {
            Some(conv) => convolve(conv, x),
            None => x,
        };
        x + h
    }

    /// [`forward`](Self::forward) in bands of rows.
    ///
    /// With `lift`, its input is the upsampled map after that convolution, which is computed anew in each of three passes.
    pub fn forward_in_bands(&self, mut map: Map, lift: Option<&Conv2d>) -> Map {
        let before = match lift {
            Some(_) => map.moments_after(&self.stage(lift, 0, &|x| x)),
            None => map.moments(),
        };
        let inside = |x: Rows| x.map(|x| normalise_silu_by(&self.norm1, &before, x)).convolve(&self.conv1);
        let between = map.moments_after(&self.stage(lift, 1, &inside));
        map.then(&self.stage(lift, 2, &|x| {
            let h = inside(x.clone()).map(|h| normalise_silu_by(&self.norm2, &between, h)).convolve(&self.conv2);
            let x = x.crop(h.range());
            let x = match &self.conv_shortcut {
                Some(conv) => x.convolve(conv),
                None => x,
            };
            x.map(|x| x + h.values)
        }))
    }

    /// A part of the block as a stage, after `lift` if there is one.
    fn stage<'a>(&self, lift: Option<&'a Conv2d>, halo: usize, forward: &'a dyn Fn(Rows) -> Rows) -> Stage<'a> {
        let [to, from, ..] = self.conv1.weight.dims();
        match lift {
            Some(conv) => Stage::new(from.max(to), halo + 1, move |rows| forward(rows.convolve(conv))).upsampled(),
            None => Stage::new(from.max(to), halo, forward),
        }
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
