use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, GroupNormConfig};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::silu;
use sd_ops::{Wrap, convolve_within, normalise_silu};

use crate::blocks::{BlockInputs, DownBlock, MidBlock, UpBlock};
use crate::embedding::{TimestepEmbedding, embed_time};
use crate::image_attention::Context;
use crate::plan::Plan;
use crate::resnet::conv3x3;
use crate::transformer::Transformer2d;
use crate::{AdditionConfig, AttentionLayer, Conditions, CrossAttention, Deep, FreeU, Kept, Place, Recall, UnetConfig};

/// The network that predicts the noise in an image, given a time and a text (Rombach et al. 2022).
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
    #[module(skip)]
    wrap: Wrap,
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
            time_embedding: TimestepEmbedding::new(finest, time_width, device)
                .with_cond_proj(self.time_cond_proj_dim, device),
            add_embedding: self
                .addition
                .map(|AdditionConfig { input_dim, .. }| TimestepEmbedding::new(input_dim, time_width, device)),
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

impl Unet {
    /// Predicts the noise (or whatever the network was trained to predict) in `x`.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, in_channels, height, width]`, variance-preserving; the conditions' channels, if any, are the last of them
    /// - t: `batch` timesteps in `[0, 999]`, not necessarily whole numbers
    /// - conditions: see [`Conditions`]; with added conditions exactly if the config has an `addition`
    /// - output: `[batch, out_channels, height, width]`
    ///
    /// # Panics
    ///
    /// Panics if a shape differs from these, or if added conditions, residuals, feature maps, images or a
    /// perturbation do not fit the network.
    pub fn forward(&self, x: Tensor<4>, t: &[f64], conditions: &Conditions) -> Tensor<4> {
        self.forward_recalling(x, t, conditions, Recall::default()).0
    }

    /// Predicts as [`forward`](Self::forward), but takes parts of the network from an earlier call, and keeps parts for later ones.
    ///
    /// # Shapes
    ///
    /// - inputs and first output: as those of [`forward`](Self::forward); what is taken has as many rows
    /// - second output: see [`Kept`]
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward), if there are fewer skip connections than the `branch` says, or if a call that takes deep features
    /// is to keep the cross-attention, of which it computes a part.
    pub fn forward_recalling(
        &self,
        x: Tensor<4>,
        t: &[f64],
        conditions: &Conditions,
        recall: Recall,
    ) -> (Tensor<4>, Kept) {
        let middle = |middle: &Transformer2d, x, context: &Context| middle.transform(x, context, conditions.perturbed);
        self.forward_by(x, t, conditions, recall, middle)
    }

    /// Predicts as [`forward`](Self::forward), and returns the attention that each pixel receives in the middle of the network,
    /// for self-attention guidance (Hong et al. 2023; diffusers' `sag_masking`).
    ///
    /// It is the first layer's self-attention, summed over all pixels that pay it, in the mean over the heads. Where it is above
    /// 1, its mean, the network looks more than elsewhere.
    ///
    /// # Shapes
    ///
    /// - inputs and first output: as those of [`forward`](Self::forward)
    /// - second output: `[batch, height, width]` of the coarsest level, single precision
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward), and if the network has [no attention](Self::has_middle_attention) in its middle.
    pub fn forward_with_attention(&self, x: Tensor<4>, t: &[f64], conditions: &Conditions) -> (Tensor<4>, Tensor<3>) {
        let mut map = None;
        let (out, _) = self.forward_by(x, t, conditions, Recall::default(), |middle, x, context| {
            map = Some(middle.attention_map(x.clone()));
            middle.transform(x, context, conditions.perturbed)
        });
        (out, map.expect("this network has no attention in its middle"))
    }

    /// Predicts with `attend` instead of the attention in the middle.
    fn forward_by(
        &self,
        x: Tensor<4>,
        t: &[f64],
        conditions: &Conditions,
        recall: Recall,
        attend: impl FnMut(&Transformer2d, Tensor<4>, &Context) -> Tensor<4>,
    ) -> (Tensor<4>, Kept) {
        let Recall { deep, text } = recall;
        let is_partial = matches!(deep, Deep::Take { .. }) && matches!(text, CrossAttention::Keep);
        assert!(!is_partial, "a call that takes deep features has not all of the cross-attention to keep");
        let inputs = self.inputs(&x, t, conditions, text);
        let x = match &conditions.channels {
            Some(channels) => Tensor::cat(vec![x, channels.clone()], 1),
            None => x,
        };
        let x = convolve_within(&self.conv_in, x, inputs.edges);
        let mut skips = vec![x.clone()];
        let (mut x, branch, entrance) = match deep {
            Deep::Take { branch, features } => {
                self.descend(branch + 1, x, &inputs, conditions, &mut skips);
                let entrance = self.entrance(branch + 1);
                inputs.context.skip_to(self.layers_before(entrance));
                (features, None, entrance)
            }
            Deep::Keep { branch } => (self.deep(x, &inputs, conditions, &mut skips, attend), Some(branch), (0, 0)),
            Deep::Compute => (self.deep(x, &inputs, conditions, &mut skips, attend), None, (0, 0)),
        };
        let mut kept = None;
        let mut see = |x: &Tensor<4>, skips: usize| {
            if Some(skips) == branch.map(|branch| branch + 1) {
                kept = Some(x.clone());
            }
        };
        for (i, block) in self.up_blocks.iter().enumerate().skip(entrance.0) {
            let first = if i == entrance.0 { entrance.1 } else { 0 };
            x = block.forward_from(first, x, &inputs, &mut skips, &mut see);
        }
        assert!(branch.is_none() || kept.is_some(), "this network has no branch {}", branch.unwrap_or_default());
        let x = convolve_within(&self.conv_out, normalise_silu(&self.conv_norm_out, x), inputs.edges);
        (x, Kept { deep: kept, text: inputs.context.kept() })
    }

    /// What every block reads.
    fn inputs(&self, x: &Tensor<4>, t: &[f64], conditions: &Conditions, text: CrossAttention) -> BlockInputs<Context> {
        let [batch, ..] = x.dims();
        assert_eq!(t.len(), batch, "{} timesteps for a batch of {batch}", t.len());
        let fits = !conditions.perturbed || self.has_middle_attention();
        assert!(fits, "this network has no attention in its middle that could be perturbed");
        let embeddings = (&self.time_embedding, self.add_embedding.as_ref());
        let time = silu(embed_time(&self.config, embeddings, t, conditions, &x.device()));
        let context = Context::recalling(conditions.context.clone(), &conditions.images, text);
        BlockInputs { time, context, edges: self.wrap.into() }
    }

    /// The way down until there are `enough` skip connections, which get their residuals; returns the last feature map, and the
    /// feature maps of adapters that were not added.
    fn descend<'a>(
        &self,
        enough: usize,
        mut x: Tensor<4>,
        inputs: &BlockInputs<Context>,
        conditions: &'a Conditions,
        skips: &mut Vec<Tensor<4>>,
    ) -> (Tensor<4>, &'a [Tensor<4>]) {
        let mut features = conditions.features.iter();
        for block in &self.down_blocks {
            if skips.len() == enough {
                break;
            }
            x = block.forward_until(enough, x, inputs, skips, features.next().cloned());
        }
        if let Some(residuals) = &conditions.residuals {
            residuals.add_to(skips, self.config.skip_connections());
        }
        (x, features.as_slice())
    }

    /// The way down and the middle.
    fn deep(
        &self,
        x: Tensor<4>,
        inputs: &BlockInputs<Context>,
        conditions: &Conditions,
        skips: &mut Vec<Tensor<4>>,
        mut attend: impl FnMut(&Transformer2d, Tensor<4>, &Context) -> Tensor<4>,
    ) -> Tensor<4> {
        let (mut x, features) = self.descend(usize::MAX, x, inputs, conditions, skips);
        if let Some(block) = &self.mid_block {
            x = block.forward_by(x, inputs, |attention, x| attend(attention, x, &inputs.context));
        }
        assert!(features.len() <= 1, "more feature maps than levels and a middle");
        if let Some(feature) = features.first() {
            x = x + feature.clone();
        }
        match &conditions.residuals {
            Some(residuals) => x + residuals.mid.clone(),
            None => x,
        }
    }

    /// The block on the way up, and its residual block, before which so many skip connections are left.
    fn entrance(&self, skips: usize) -> (usize, usize) {
        let mut left = skips;
        for (i, block) in self.up_blocks.iter().enumerate().rev() {
            if left <= block.len() {
                return (i, block.len() - left);
            }
            left -= block.len();
        }
        panic!("this network has no branch {}", skips - 1)
    }

    /// Number of layers of cross-attention before a residual block on the way up.
    fn layers_before(&self, entrance: (usize, usize)) -> usize {
        let is_before = |layer: &AttentionLayer| match layer.place {
            Place::Up(block) => (block, layer.attention) < entrance,
            Place::Down(_) | Place::Middle => true,
        };
        self.config.attention_layers().iter().filter(|layer| is_before(layer)).count()
    }

    /// Returns the network for images that continue at the opposite edges: its convolutions read those pixels instead of zeros.
    #[must_use]
    pub fn with_wrap(self, wrap: Wrap) -> Self {
        Self { wrap, ..self }
    }

    /// Returns the network with an embedding of the guidance scale, of `width` values, at least 4 (Luo et al. 2023, LCM). Its layer begins
    /// with zeros, so the network predicts as before until it is trained.
    #[must_use]
    pub fn with_guidance_embedding(self, width: usize, device: &Device) -> Self {
        let config = UnetConfig { time_cond_proj_dim: Some(width), ..self.config };
        Self { time_embedding: self.time_embedding.with_zero_cond_proj(width, device), config, ..self }
    }

    /// Returns the network with [`FreeU`].
    #[must_use]
    pub fn with_freeu(mut self, freeu: FreeU) -> Self {
        for (block, stage) in self.up_blocks.iter_mut().zip(freeu.stages()) {
            block.freeu = Some(stage);
        }
        self
    }

    /// Returns the network with token merging: self-attention at the finest level that has any merges this share of its pixels, from 0 to
    /// below 0.75, with those that they are most like (Bolya & Hoffman 2023).
    #[must_use]
    pub fn with_merged_tokens(mut self, ratio: f64) -> Self {
        let Some(finest) = self.config.finest_attention() else { return self };
        let up = self.up_blocks.len() - 1 - finest;
        let attentions = self.down_blocks[finest].attentions.iter_mut().chain(&mut self.up_blocks[up].attentions);
        attentions.for_each(|attention| attention.merge_tokens = (ratio > 0.0).then_some(ratio));
        self
    }

    /// Whether there is attention in the middle of the network: not in those without a middle, nor in SSD-1B.
    pub fn has_middle_attention(&self) -> bool {
        self.config.has_middle_attention()
    }

    /// The precision in which images and conditions are expected.
    pub fn dtype(&self) -> DType {
        self.time_embedding.dtype()
    }

    /// The network's configuration.
    pub fn config(&self) -> &UnetConfig {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AddedConditions, Residuals, UnetLevel};

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
    fn a_new_embedding_of_the_guidance_scale_changes_nothing() {
        let (device, unet) = (Device::flex(), tiny());
        let (x, context) = (Tensor::ones([1, 4, 4, 4], &device), Tensor::<3>::ones([1, 3, 6], &device));
        let conditions = Conditions::new(context).with_guidance(7.5);
        let embedding = unet.clone().with_guidance_embedding(8, &device);
        assert_eq!(embedding.config().time_cond_proj_dim, Some(8));
        let predicted = embedding.forward(x.clone(), &[500.0], &conditions);
        assert_eq!(predicted.into_data(), unet.forward(x, &[500.0], &conditions).into_data());
    }

    #[test]
    fn odd_sizes_are_kept() {
        let device = Device::flex();
        let (x, context) = (Tensor::ones([1, 4, 5, 7], &device), Tensor::<3>::ones([1, 3, 6], &device));
        assert_eq!(tiny().forward(x, &[500.0], &context.into()).dims(), [1, 4, 5, 7]);
    }

    #[test]
    fn residuals_are_added_to_every_skip_and_to_the_middle() {
        let (device, unet) = (Device::flex(), tiny());
        let (x, context) = (Tensor::ones([1, 4, 4, 4], &device), Tensor::<3>::ones([1, 3, 6], &device));
        let conditions = Conditions::new(context);
        let shapes = [[1, 8, 4, 4], [1, 8, 4, 4], [1, 8, 2, 2], [1, 16, 2, 2]];
        let residuals = |value: f64, mid: f64| Residuals {
            skips: shapes.iter().map(|shape| Tensor::ones(*shape, &device) * value).collect(),
            mid: Tensor::ones([1, 16, 2, 2], &device) * mid,
        };
        let forward =
            |residuals| unet.forward(x.clone(), &[500.0], &conditions.clone().with_residuals(residuals)).into_data();
        let plain = unet.forward(x.clone(), &[500.0], &conditions).into_data();
        assert_eq!(forward(residuals(0.0, 0.0)), plain);
        assert!(forward(residuals(0.5, 0.0)) != plain && forward(residuals(0.0, 0.5)) != plain);
    }

    #[test]
    #[should_panic(expected = "1 residuals for 4 skip connections")]
    fn residuals_of_another_network_are_refused() {
        let device = Device::flex();
        let (x, context) = (Tensor::ones([1, 4, 4, 4], &device), Tensor::<3>::ones([1, 3, 6], &device));
        let residuals =
            Residuals { skips: vec![Tensor::ones([1, 8, 4, 4], &device)], mid: Tensor::ones([1, 16, 2, 2], &device) };
        tiny().forward(x, &[500.0], &Conditions::new(context).with_residuals(residuals));
    }

    fn without_middle_attention() -> Unet {
        let config = UnetConfig { mid_attention: 0, ..tiny().config().clone() };
        config.init(&Device::flex())
    }

    #[test]
    fn a_network_knows_whether_it_has_attention_in_its_middle() {
        assert!(tiny().has_middle_attention());
        assert!(!without_middle_attention().has_middle_attention());
        let config = UnetConfig { mid_resnets: 0, ..tiny().config().clone() };
        assert!(!config.init(&Device::flex()).has_middle_attention());
    }

    #[test]
    #[should_panic(expected = "no attention in its middle that could be perturbed")]
    fn a_perturbation_is_not_silently_dropped() {
        let device = Device::flex();
        let (x, context) = (Tensor::ones([1, 4, 4, 4], &device), Tensor::ones([1, 3, 6], &device));
        without_middle_attention().forward(x, &[500.0], &Conditions::new(context).with_perturbed());
    }

    #[test]
    #[should_panic(expected = "2 timesteps for a batch of 1")]
    fn the_number_of_timesteps_is_the_batch_size() {
        let device = Device::flex();
        let (x, context) = (Tensor::ones([1, 4, 4, 4], &device), Tensor::<3>::ones([1, 3, 6], &device));
        tiny().forward(x, &[500.0, 500.0], &context.into());
    }

    #[test]
    #[should_panic(expected = "added conditions for a network that takes none")]
    fn added_conditions_are_not_silently_dropped() {
        let device = Device::flex();
        let (x, context) = (Tensor::ones([1, 4, 4, 4], &device), Tensor::ones([1, 3, 6], &device));
        let added = AddedConditions { text_embeds: Tensor::ones([1, 6], &device), time_ids: vec![vec![0.0; 6]] };
        tiny().forward(x, &[500.0], &Conditions::new(context).with_added(added));
    }
}
