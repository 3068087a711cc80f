use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, GroupNormConfig};
use burn::prelude::*;
use burn::tensor::activation::silu;
use sd_ops::{convolve, normalise_silu};

use crate::blocks::{Conditions, DownBlock, MidBlock, UpBlock};
use crate::embedding::{Sinusoids, TimestepEmbedding};
use crate::plan::Plan;
use crate::resnet::conv3x3;
use crate::transformer::Transformer2d;
use crate::{AdditionConfig, UnetConfig};

/// The network that predicts what is noise in an image, given a time and a text (Rombach et al. 2022).
#[derive(Module, Debug)]
pub struct Unet {
    conv_in: Conv2d,
    time_embedding: TimestepEmbedding,
    add_embedding: Option<TimestepEmbedding>,
    down_blocks: Vec<DownBlock<Transformer2d>>,
    mid_block: Option<MidBlock<Transformer2d>>,
    up_blocks: Vec<UpBlock<Transformer2d>>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    #[module(skip)]
    config: UnetConfig,
}

/// The extra input of Stable Diffusion XL (Podell et al. 2023, section 2.2).
#[derive(Debug, Clone)]
pub struct AddedConditions {
    /// The second text encoder's pooled vector: `[batch, width]`.
    pub text_embeds: Tensor<2>,
    /// For each image, in pixels: original height and width, crop top and left, target height and width.
    pub time_ids: Vec<[f64; 6]>,
}

impl UnetConfig {
    /// Creates the network on `device`, with random weights.
    ///
    /// # Panics
    ///
    /// Panics if there are no levels, or if groups or heads do not divide the channels.
    pub fn init(&self, device: &Device) -> Unet {
        let (finest, time_width) = (self.levels[0].channels, self.time_embed_dim());
        let plan = Plan::new(&self.levels, self.mid_resnets, self.mid_attention);
        Unet {
            conv_in: conv3x3(self.in_channels, finest, device),
            time_embedding: TimestepEmbedding::new(finest, time_width, device),
            add_embedding: self
                .addition
                .map(|AdditionConfig { input_dim, .. }| TimestepEmbedding::new(input_dim, time_width, device)),
            down_blocks: plan.down.iter().map(|block| DownBlock::new(self, block, device)).collect(),
            mid_block: plan.mid.as_ref().map(|block| MidBlock::new(self, block, device)),
            up_blocks: plan.up.iter().map(|block| UpBlock::new(self, block, device)).collect(),
            conv_norm_out: GroupNormConfig::new(self.norm_num_groups, finest).with_epsilon(self.norm_eps).init(device),
            conv_out: conv3x3(finest, self.out_channels, device),
            config: self.clone(),
        }
    }
}

impl Unet {
    /// Predicts the noise (or whatever the network was trained to predict) in `x`.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, in_channels, height, width]`, variance-preserving
    /// - t: `batch` timesteps in `[0, 999]`, which may lie between two
    /// - context: `[batch, tokens, cross_attention_dim]`
    /// - added: for networks with an addition, and only for them
    /// - output: `[batch, out_channels, height, width]`
    ///
    /// # Panics
    ///
    /// Panics if a shape is not as above, or if `added` is missing or too much.
    pub fn forward(&self, x: Tensor<4>, t: &[f64], context: Tensor<3>, added: Option<&AddedConditions>) -> Tensor<4> {
        let [batch, ..] = x.dims();
        assert_eq!(t.len(), batch, "{} timesteps for a batch of {batch}", t.len());
        let conditions = Conditions { time: silu(self.embed(t, added, &x.device())), context };
        let mut x = convolve(&self.conv_in, x);
        let mut skips = vec![x.clone()];
        for block in &self.down_blocks {
            x = block.forward(x, &conditions, &mut skips);
        }
        if let Some(block) = &self.mid_block {
            x = block.forward(x, &conditions);
        }
        for block in &self.up_blocks {
            x = block.forward(x, &conditions, &mut skips);
        }
        convolve(&self.conv_out, normalise_silu(&self.conv_norm_out, x))
    }

    /// The configuration the network was made from.
    pub fn config(&self) -> &UnetConfig {
        &self.config
    }

    fn embed(&self, t: &[f64], added: Option<&AddedConditions>, device: &Device) -> Tensor<2> {
        let dtype = self.time_embedding.dtype();
        let time = Sinusoids::new(self.config.levels[0].channels).of(t, device).cast(dtype);
        let time = self.time_embedding.forward(time);
        match (&self.add_embedding, self.config.addition, added) {
            (Some(embedding), Some(config), Some(added)) => {
                let ids: Vec<f64> = added.time_ids.iter().flatten().copied().collect();
                let sizes = Sinusoids::new(config.time_embed_dim).of(&ids, device).cast(dtype);
                let sizes = sizes.reshape([t.len(), 6 * config.time_embed_dim]);
                time + embedding.forward(Tensor::cat(vec![added.text_embeds.clone(), sizes], 1))
            }
            (None, None, None) => time,
            (None, ..) => panic!("added conditions for a network that takes none"),
            (Some(_), ..) => panic!("this network needs added conditions"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnetLevel;

    fn tiny() -> Unet {
        let level = |channels| UnetLevel::even(channels, 1, 1, 2);
        let config = UnetConfig {
            levels: vec![level(8), level(16)],
            norm_num_groups: 4,
            cross_attention_dim: 6,
            ..UnetConfig::sd1()
        };
        config.init(&Device::flex())
    }

    #[test]
    fn odd_sizes_come_back_as_they_went_in() {
        let device = Device::flex();
        let (x, context) = (Tensor::ones([1, 4, 5, 7], &device), Tensor::ones([1, 3, 6], &device));
        assert_eq!(tiny().forward(x, &[500.0], context, None).dims(), [1, 4, 5, 7]);
    }

    #[test]
    #[should_panic(expected = "2 timesteps for a batch of 1")]
    fn every_image_has_its_timestep() {
        let device = Device::flex();
        let (x, context) = (Tensor::ones([1, 4, 4, 4], &device), Tensor::ones([1, 3, 6], &device));
        tiny().forward(x, &[500.0, 500.0], context, None);
    }

    #[test]
    #[should_panic(expected = "added conditions for a network that takes none")]
    fn added_conditions_are_not_silently_dropped() {
        let device = Device::flex();
        let (x, context) = (Tensor::ones([1, 4, 4, 4], &device), Tensor::ones([1, 3, 6], &device));
        let added = AddedConditions { text_embeds: Tensor::ones([1, 6], &device), time_ids: vec![[0.0; 6]] };
        tiny().forward(x, &[500.0], context, Some(&added));
    }
}
