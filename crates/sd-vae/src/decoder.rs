use burn::nn::GroupNorm;
use burn::nn::conv::Conv2d;
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::{Edges, Wrap, convolve_within, normalise_silu, normalise_silu_by};

use crate::AutoencoderKlConfig;
use crate::attention::MidBlock;
use crate::bands::{Banding, Map, Stage};
use crate::resnet::{ResnetBlock, conv3x3, norm};
use crate::upsample::upsample;

/// Turns latents into images.
#[derive(Module, Debug)]
pub(crate) struct Decoder {
    conv_in: Conv2d,
    mid_block: MidBlock,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Decoder {
    pub fn new(config: &AutoencoderKlConfig, device: &Device) -> Self {
        let channels: Vec<usize> = config.block_out_channels.iter().rev().copied().collect();
        let block = |(i, &to): (usize, &usize)| {
            let from = channels[i.saturating_sub(1)];
            UpBlock::new(config, from, to, i + 1 < channels.len(), device)
        };
        let finest = config.block_out_channels[0];
        Self {
            conv_in: conv3x3(config.latent_channels, config.coarsest(), device),
            mid_block: MidBlock::new(config.norm_num_groups, config.coarsest(), device),
            up_blocks: channels.iter().enumerate().map(block).collect(),
            conv_norm_out: norm(config.norm_num_groups, finest, device),
            conv_out: conv3x3(finest, config.out_channels, device),
        }
    }

    /// `x`: `[batch, latent_channels, height, width]`; output: `[batch, out_channels, f·height, f·width]`.
    pub fn forward(&self, x: Tensor<4>, wrap: Wrap) -> Tensor<4> {
        let edges = wrap.into();
        let mut x = self.mid_block.forward(convolve_within(&self.conv_in, x, edges), edges);
        for block in &self.up_blocks {
            x = block.forward(x, edges);
        }
        convolve_within(&self.conv_out, normalise_silu(&self.conv_norm_out, x), edges)
    }

    /// [`forward`](Self::forward) in bands of rows, for one image.
    pub fn forward_in_bands(&self, x: Tensor<4>, wrap: Wrap, banding: Banding) -> Tensor<4> {
        let x = self.mid_block.forward(convolve_within(&self.conv_in, x, wrap.into()), wrap.into());
        let groups = self.conv_norm_out.num_groups;
        let [finest, ..] = self.conv_norm_out.gamma.as_ref().expect("a norm with parameters").dims();
        let [.., height, width] = x.dims();
        let most = (finest * height * width) << (2 * (self.up_blocks.len() - 1));
        let mut map = Map::new(x, Some(groups), wrap, banding);
        let mut lift = None;
        for block in &self.up_blocks {
            for resnet in &block.resnets {
                map = resnet.forward_in_bands(map, lift.take());
            }
            for Upsampler { conv } in &block.upsamplers {
                let ([channels, ..], [height, width]) = (conv.weight.dims(), map.size());
                // A map larger than that of the finest level would decide how much memory decoding needs.
                if 4 * channels * height * width > most {
                    lift = Some(conv);
                } else {
                    map = map.then(&Stage::new(channels, 1, |rows| rows.convolve(conv)).upsampled());
                }
            }
        }
        let moments = map.moments();
        let normalised = |x| normalise_silu_by(&self.conv_norm_out, &moments, x);
        map.finish(&Stage::new(finest, 1, |rows| rows.map(normalised).convolve(&self.conv_out)))
    }

    /// The precision that it computes in. Weights may have another one.
    pub fn dtype(&self) -> DType {
        self.conv_norm_out.gamma.as_ref().expect("it has a gamma").val().dtype()
    }
}

#[derive(Module, Debug)]
struct UpBlock {
    resnets: Vec<ResnetBlock>,
    upsamplers: Vec<Upsampler>,
}

impl UpBlock {
    fn new(config: &AutoencoderKlConfig, from: usize, to: usize, upsample: bool, device: &Device) -> Self {
        let resnet = |i| ResnetBlock::new(config.norm_num_groups, if i == 0 { from } else { to }, to, device);
        Self {
            resnets: (0..=config.layers_per_block).map(resnet).collect(),
            upsamplers: upsample.then(|| Upsampler { conv: conv3x3(to, to, device) }).into_iter().collect(),
        }
    }

    fn forward(&self, mut x: Tensor<4>, edges: Edges) -> Tensor<4> {
        for resnet in &self.resnets {
            x = resnet.forward(x, edges);
        }
        for upsampler in &self.upsamplers {
            x = convolve_within(&upsampler.conv, upsample(x), edges);
        }
        x
    }
}

/// The convolution that smooths an upsampled feature map.
#[derive(Module, Debug)]
struct Upsampler {
    conv: Conv2d,
}
