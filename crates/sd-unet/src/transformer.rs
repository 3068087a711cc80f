use burn::nn::{GroupNorm, GroupNormConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use sd_ops::{image, normalise, normalise_tokens, project, project_geglu, tokens};

use crate::UnetConfig;
use crate::attention::Attention;
use crate::blocks::{Attend, BlockConfig};
use crate::image_attention::Context;
use crate::merging::Merging;
use crate::plan::BlockPlan;
use crate::resnet::ResnetConfig;

/// A transformer over the pixels of a feature map, which also reads the text.
#[derive(Module, Debug)]
pub(crate) struct Transformer2d {
    norm: GroupNorm,
    proj_in: Linear,
    transformer_blocks: Vec<TransformerBlock>,
    proj_out: Linear,
    /// The share of the pixels that self-attention merges into others.
    #[module(skip)]
    pub merge_tokens: Option<f64>,
}

impl Transformer2d {
    pub fn new(config: &UnetConfig, channels: usize, heads: usize, layers: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(channels, channels).init(device);
        let block = |_| TransformerBlock::new(channels, config.cross_attention_dim, heads, device);
        Self {
            norm: GroupNormConfig::new(config.norm_num_groups, channels).with_epsilon(1e-6).init(device),
            proj_in: linear(),
            transformer_blocks: (0..layers).map(block).collect(),
            proj_out: linear(),
            merge_tokens: None,
        }
    }

    /// As [`forward`](Attend::forward); if `perturbed`, with the identity in the place of self-attention's weights.
    pub fn transform(&self, x: Tensor<4>, context: &Context, perturbed: bool) -> Tensor<4> {
        let [.., height, width] = x.dims();
        let mut pixels = self.pixels(x.clone());
        let merging = |pixels: &Tensor<3>| Merging::new(pixels, height, width, self.merge_tokens?);
        for block in &self.transformer_blocks {
            let merging = merging(&pixels);
            pixels = block.forward(pixels, context, perturbed, merging.as_ref());
        }
        image(project(&self.proj_out, pixels), height, width) + x
    }

    /// Returns the self-attention that each pixel of `x` receives in the first layer, `[batch, height, width]`.
    pub fn attention_map(&self, x: Tensor<4>) -> Tensor<3> {
        let [batch, _, height, width] = x.dims();
        self.transformer_blocks[0].received(self.pixels(x)).reshape([batch, height, width])
    }

    fn pixels(&self, x: Tensor<4>) -> Tensor<3> {
        project(&self.proj_in, tokens(normalise(&self.norm, x)))
    }
}

impl BlockConfig for UnetConfig {
    type Attention = Transformer2d;

    fn resnet(&self) -> ResnetConfig {
        ResnetConfig { groups: self.norm_num_groups, eps: self.norm_eps, time_width: self.time_embed_dim() }
    }

    fn attention(&self, plan: &BlockPlan, layers: usize, device: &Device) -> Transformer2d {
        Transformer2d::new(self, plan.channels, plan.heads, layers, device)
    }
}

impl Attend for Transformer2d {
    type Context = Context;

    fn forward(&self, x: Tensor<4>, context: &Context) -> Tensor<4> {
        self.transform(x, context, false)
    }
}

/// Epsilon of the layer norms.
const EPS: f64 = 1e-5;

/// Self-attention, attention to the text, and an MLP, each after a norm and with a residual connection.
#[derive(Module, Debug)]
struct TransformerBlock {
    norm1: LayerNorm,
    attn1: Attention,
    norm2: LayerNorm,
    attn2: Attention,
    norm3: LayerNorm,
    ff: FeedForward,
}

impl TransformerBlock {
    fn new(channels: usize, context: usize, heads: usize, device: &Device) -> Self {
        let norm = || LayerNormConfig::new(channels).with_epsilon(EPS).init(device);
        Self {
            norm1: norm(),
            attn1: Attention::new(channels, channels, heads, device),
            norm2: norm(),
            attn2: Attention::new(channels, context, heads, device),
            norm3: norm(),
            ff: FeedForward::new(channels, device),
        }
    }

    fn forward(&self, x: Tensor<3>, context: &Context, perturbed: bool, merging: Option<&Merging>) -> Tensor<3> {
        let h = normalise_tokens(&self.norm1, EPS, x.clone());
        let attended = match merging {
            _ if perturbed => self.attn1.identity(h),
            None => self.attn1.forward(h.clone(), h, &[]),
            Some(merging) => {
                let h = merging.merge(h);
                merging.unmerge(self.attn1.forward(h.clone(), h, &[]))
            }
        };
        let x = attended + x;
        let attended = context.attended(x.dims()[1], |text, images| {
            self.attn2.forward(normalise_tokens(&self.norm2, EPS, x.clone()), text, images)
        });
        let x = attended + x;
        self.ff.forward(normalise_tokens(&self.norm3, EPS, x.clone())) + x
    }

    /// Returns the self-attention that each pixel receives, `[batch, pixels]`.
    fn received(&self, x: Tensor<3>) -> Tensor<2> {
        self.attn1.received(normalise_tokens(&self.norm1, EPS, x))
    }
}

/// A gated MLP with four times the width: GEGLU (Shazeer 2020).
#[derive(Module, Debug)]
struct FeedForward {
    proj: Linear,
    out: Linear,
}

impl FeedForward {
    fn new(channels: usize, device: &Device) -> Self {
        Self {
            proj: LinearConfig::new(channels, 8 * channels).init(device),
            out: LinearConfig::new(4 * channels, channels).init(device),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        project(&self.out, project_geglu(&self.proj, x))
    }
}
