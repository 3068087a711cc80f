use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, GroupNormConfig};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::silu;
use sd_ops::{Wrap, convolve_within, normalise_silu};

use crate::UnconditionalUnetConfig;
use crate::blocks::{BlockInputs, DownBlock, MidBlock, UpBlock};
use crate::embedding::TimestepEmbedding;
use crate::resnet::conv3x3;
use crate::self_attention::SelfAttention;

/// The network that predicts the noise in an image, given only a time (Ho et al. 2020, appendix B; diffusers'
/// `UNet2DModel`).
#[derive(Module, Debug)]
pub struct UnconditionalUnet {
    conv_in: Conv2d,
    time_embedding: TimestepEmbedding,
    down_blocks: Vec<DownBlock<SelfAttention>>,
    mid_block: Option<MidBlock<SelfAttention>>,
    up_blocks: Vec<UpBlock<SelfAttention>>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    #[module(skip)]
    config: UnconditionalUnetConfig,
    #[module(skip)]
    wrap: Wrap,
}

impl UnconditionalUnetConfig {
    /// Creates the network on `device`, with random weights.
    ///
    /// # Panics
    ///
    /// Panics if there are no levels, if groups or heads do not divide the channels, or if `downsample_padding` is above 1.
    pub fn init(&self, device: &Device) -> UnconditionalUnet {
        let (finest, plan) = (self.levels[0].channels, self.plan());
        UnconditionalUnet {
            conv_in: conv3x3(self.in_channels, finest, device),
            time_embedding: TimestepEmbedding::new(finest, self.time_embed_dim(), device),
            down_blocks: plan.down.iter().map(|block| DownBlock::new(self, block, device)).collect(),
            mid_block: plan.mid.as_ref().map(|block| MidBlock::new(self, block, device)),
            up_blocks: plan.up.iter().map(|block| UpBlock::new(self, block, device)).collect(),
            conv_norm_out: GroupNormConfig::new(self.norm_num_groups, finest).with_epsilon(self.norm_eps).init(device),
            conv_out: conv3x3(finest, self.out_channels, device),
            config: self.clone(),
            wrap: Wrap::default(),
        }
    }
}

impl UnconditionalUnet {
    /// Predicts the noise (or whatever the network was trained to predict) in `x`.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, in_channels, height, width]`, variance-preserving; width and height are multiples of the config's
    ///   [`factor`](UnconditionalUnetConfig::factor)
    /// - t: `batch` timesteps in `[0, 999]`, not necessarily whole numbers
    /// - output: `[batch, out_channels, height, width]`
    ///
    /// # Panics
    ///
    /// Panics if a shape differs from these.
    pub fn forward(&self, x: Tensor<4>, t: &[f64]) -> Tensor<4> {
        let ([batch, _, height, width], factor) = (x.dims(), self.config.factor());
        assert_eq!(t.len(), batch, "{} timesteps for a batch of {batch}", t.len());
        let fits = height.is_multiple_of(factor) && width.is_multiple_of(factor);
        assert!(fits, "{height}×{width} pixels are not multiples of {factor}");
        let time = self.config.sinusoids().embed(t, &x.device()).cast(self.dtype());
        let time = silu(self.time_embedding.forward(time));
        let inputs = BlockInputs { time, context: (), edges: self.wrap.into() };
        let mut x = convolve_within(&self.conv_in, x, inputs.edges);
        let mut skips = vec![x.clone()];
        for block in &self.down_blocks {
            x = block.forward(x, &inputs, &mut skips);
        }
        if let Some(block) = &self.mid_block {
            x = block.forward(x, &inputs);
        }
        for block in &self.up_blocks {
            x = block.forward(x, &inputs, &mut skips);
        }
        convolve_within(&self.conv_out, normalise_silu(&self.conv_norm_out, x), inputs.edges)
    }

    /// Returns the network for images that continue at the opposite edges: its convolutions read those pixels instead of zeros.
    #[must_use]
    pub fn with_wrap(self, wrap: Wrap) -> Self {
        Self { wrap, ..self }
    }

    /// The precision of the weights, which `x` must have too.
    pub fn dtype(&self) -> DType {
        self.time_embedding.dtype()
    }

    /// The network's configuration.
    pub fn config(&self) -> &UnconditionalUnetConfig {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnconditionalLevel;

    fn tiny(downsample_padding: usize) -> UnconditionalUnet {
        let level =
            |channels, attention| UnconditionalLevel { channels, down_attention: attention, up_attention: attention };
        let config = UnconditionalUnetConfig {
            levels: vec![level(4, false), level(8, true)],
            norm_num_groups: 2,
            downsample_padding,
            ..UnconditionalUnetConfig::ddpm_cifar10()
        };
        config.init(&Device::flex())
    }

    #[test]
    fn outputs_have_the_size_of_their_inputs() {
        for padding in [0, 1] {
            let x = Tensor::ones([2, 3, 2, 6], &Device::flex());
            assert_eq!(tiny(padding).forward(x, &[0.0, 999.0]).dims(), [2, 3, 2, 6]);
        }
    }

    /// Each value is the number of pixels of a 4×4 image of ones within a 3×3 window.
    #[test]
    fn the_zeros_of_padding_0_are_on_the_right_and_at_the_bottom() {
        let device = Device::flex();
        let halved = |padding| {
            let mut conv = tiny(padding).down_blocks[0].downsamplers[0].conv.clone();
            (conv.weight, conv.bias) = (conv.weight.map(|weight| weight.ones_like()), None);
            let found = conv.forward(Tensor::ones([1, 4, 4, 4], &device)) / 4.0;
            found.slice([0..1, 0..1]).into_data().try_to_vec::<f32>().unwrap()
        };
        assert_eq!(halved(0), [9.0, 6.0, 6.0, 4.0]);
        assert_eq!(halved(1), [4.0, 6.0, 6.0, 9.0]);
    }

    #[test]
    #[should_panic(expected = "3×4 pixels are not multiples of 2")]
    fn sizes_that_cannot_be_halved_are_refused() {
        tiny(0).forward(Tensor::ones([1, 3, 3, 4], &Device::flex()), &[0.0]);
    }
}
