use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, PaddingConfig2d};
use burn::prelude::*;
use sd_ops::{Edges, Wrap, convolve_within, normalise_silu};

use crate::AutoencoderKlConfig;
use crate::attention::MidBlock;
use crate::bands::{Banding, Map, Stage};
use crate::resnet::{ResnetBlock, conv3x3, norm};

/// Turns images into the moments of their latents.
#[derive(Module, Debug)]
pub(crate) struct Encoder {
    conv_in: Conv2d,
    down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Encoder {
    pub fn new(config: &AutoencoderKlConfig, device: &Device) -> Self {
        let channels = &config.block_out_channels;
        let block = |(i, &to): (usize, &usize)| {
            let from = channels[i.saturating_sub(1)];
            DownBlock::new(config, from, to, i + 1 < channels.len(), device)
        };
        Self {
            conv_in: conv3x3(config.in_channels, channels[0], device),
            down_blocks: channels.iter().enumerate().map(block).collect(),
            mid_block: MidBlock::new(config.norm_num_groups, config.coarsest(), device),
            conv_norm_out: norm(config.norm_num_groups, config.coarsest(), device),
            conv_out: conv3x3(config.coarsest(), 2 * config.latent_channels, device),
        }
    }

    /// `x`: `[batch, in_channels, height, width]`; output: `[batch, 2·latent_channels, height/f, width/f]`.
    pub fn forward(&self, x: Tensor<4>, wrap: Wrap) -> Tensor<4> {
        let mut x = convolve_within(&self.conv_in, x, wrap.into());
        for block in &self.down_blocks {
            x = block.forward(x, wrap.into());
        }
        self.to_moments(x, wrap.into())
    }

    /// [`forward`](Self::forward) in bands of rows, for one image.
    pub fn forward_in_bands(&self, x: Tensor<4>, wrap: Wrap, banding: Banding) -> Tensor<4> {
        let groups = self.conv_norm_out.num_groups;
        let [finest, ..] = self.conv_in.weight.dims();
        let map = Map::new(x, Some(groups), wrap, banding);
        let mut map = map.then(&Stage::new(finest, 1, |rows| rows.convolve(&self.conv_in)));
        for block in &self.down_blocks {
            for resnet in &block.resnets {
                map = resnet.forward_in_bands(map, None);
            }
            for Downsampler { conv } in &block.downsamplers {
                let [channels, ..] = conv.weight.dims();
                // Its input has four times the values of its output.
                map = map.then(&Stage::halving(4 * channels, 1, |rows| rows.convolve(conv)));
            }
        }
        self.to_moments(map.whole(), wrap.into())
    }

    /// The layers after the coarsest level.
    fn to_moments(&self, x: Tensor<4>, edges: Edges) -> Tensor<4> {
        let x = self.mid_block.forward(x, edges);
        convolve_within(&self.conv_out, normalise_silu(&self.conv_norm_out, x), edges)
    }
}

#[derive(Module, Debug)]
struct DownBlock {
    resnets: Vec<ResnetBlock>,
    downsamplers: Vec<Downsampler>,
}

impl DownBlock {
    fn new(config: &AutoencoderKlConfig, from: usize, to: usize, downsample: bool, device: &Device) -> Self {
        let resnet = |i| ResnetBlock::new(config.norm_num_groups, if i == 0 { from } else { to }, to, device);
        Self {
            resnets: (0..config.layers_per_block).map(resnet).collect(),
            downsamplers: downsample.then(|| Downsampler::new(to, device)).into_iter().collect(),
        }
    }

    fn forward(&self, mut x: Tensor<4>, edges: Edges) -> Tensor<4> {
        for resnet in &self.resnets {
            x = resnet.forward(x, edges);
        }
        for downsampler in &self.downsamplers {
            x = convolve_within(&downsampler.conv, x, edges);
        }
        x
    }
}

/// A convolution that halves width and height, with zero padding on the right and at the bottom only.
#[derive(Module, Debug)]
struct Downsampler {
    conv: Conv2d,
}

impl Downsampler {
    fn new(channels: usize, device: &Device) -> Self {
        let conv = Conv2dConfig::new([channels, channels], [3, 3])
            .with_stride([2, 2])
            .with_padding(PaddingConfig2d::Explicit(0, 0, 1, 1)) // top, left, bottom, right
            .init(device);
        Self { conv }
    }
}
