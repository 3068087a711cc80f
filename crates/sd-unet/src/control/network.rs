use burn::nn::Initializer;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::prelude::*;
use burn::tensor::DType;
use burn::tensor::activation::silu;
use sd_ops::{Wrap, convolve, convolve_within};

use super::hint::HintEmbedding;
use super::union::Union;
use super::{ControlNetConfig, Hint};
use crate::blocks::{BlockInputs, DownBlock, MidBlock};
use crate::embedding::{TimestepEmbedding, embed_time};
use crate::image_attention::Context;
use crate::plan::{Plan, skips};
use crate::resnet::conv3x3;
use crate::transformer::Transformer2d;
use crate::{AdditionConfig, Conditions, Residuals};

/// A network that steers a [`Unet`](crate::Unet) with an image (Zhang et al. 2023, "Adding Conditional Control to Text-to-Image
/// Diffusion Models").
///
/// It is a copy of the U-Net's way down and middle that also sees the [hint](Hint). Convolutions that are zero before training
/// make [`Residuals`] of its feature maps.
#[derive(Module, Debug)]
pub struct ControlNet {
    conv_in: Conv2d,
    time_embedding: TimestepEmbedding,
    add_embedding: Option<TimestepEmbedding>,
    controlnet_cond_embedding: HintEmbedding,
    down_blocks: Vec<DownBlock<Transformer2d>>,
    mid_block: Option<MidBlock<Transformer2d>>,
    controlnet_down_blocks: Vec<Conv2d>,
    controlnet_mid_block: Conv2d,
    union: Option<Union>,
    #[module(skip)]
    config: ControlNetConfig,
    #[module(skip)]
    wrap: Wrap,
}

impl ControlNetConfig {
    /// Creates the network on `device`, with random weights but for the convolutions at its ends: those are zero, so that it
    /// changes nothing.
    ///
    /// # Panics
    ///
    /// Panics if there are no levels or no `hint_widths`, or if groups or heads do not divide the channels.
    pub fn init(&self, device: &Device) -> ControlNet {
        let unet = &self.unet;
        let (finest, time_width) = (unet.levels[0].channels, unet.time_embed_dim());
        let plan = Plan::new(&unet.levels, unet.mid_resnets, unet.mid_attention);
        let coarsest = unet.levels[unet.levels.len() - 1].channels;
        let zero_conv = |channels| {
            Conv2dConfig::new([channels, channels], [1, 1]).with_initializer(Initializer::Zeros).init(device)
        };
        ControlNet {
            conv_in: conv3x3(unet.in_channels, finest, device),
            time_embedding: TimestepEmbedding::new(finest, time_width, device)
                .with_cond_proj(unet.time_cond_proj_dim, device),
            add_embedding: unet
                .addition
                .map(|AdditionConfig { input_dim, .. }| TimestepEmbedding::new(input_dim, time_width, device)),
            controlnet_cond_embedding: HintEmbedding::new(self, device),
            down_blocks: plan.down.iter().map(|block| DownBlock::new(unet, block, device)).collect(),
            mid_block: plan.mid.as_ref().map(|block| MidBlock::new(unet, block, device)),
            controlnet_down_blocks: skips(&plan.down).into_iter().map(zero_conv).collect(),
            controlnet_mid_block: zero_conv(coarsest),
            union: self.union.map(|union| Union::new(union, finest, time_width, device)),
            config: self.clone(),
            wrap: Wrap::default(),
        }
    }
}

impl ControlNet {
    /// Returns what [`forward`](Self::forward) reads of a hint. It does not depend on the image that is drawn, so once per
    /// drawing is enough.
    ///
    /// # Shapes
    ///
    /// - hint: `[batch, hint_channels, factor·height, factor·width]`, from 0 to 1, with the U-Net's height and width, and the
    ///   config's [`factor`](ControlNetConfig::factor)
    /// - output: `[batch, finest channels, height, width]`
    ///
    /// # Panics
    ///
    /// Panics if the hint's channels are not the network's.
    pub fn embed(&self, hint: Tensor<4>) -> Tensor<4> {
        let (found, expected) = (hint.dims()[1], self.config.hint_channels);
        assert_eq!(found, expected, "a hint of {found} channels for a network that takes {expected}");
        let hint = if self.config.bgr { hint.flip([1]) } else { hint };
        self.controlnet_cond_embedding.forward(hint, self.wrap.into())
    }

    /// Returns what to add to the U-Net's feature maps, for one hint or, if the config has a `union`, for one or more.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, in_channels, height, width]`, what the U-Net is given, without the conditions' channels
    /// - t: `batch` timesteps in `[0, 999]`, not necessarily whole numbers
    /// - conditions: as the U-Net's; their text and added conditions are read, nothing else
    /// - output: those of the U-Net's feature maps
    ///
    /// # Panics
    ///
    /// Panics if a shape differs from these, if added conditions do not fit the network, or if the number of hints or one's kind
    /// does not.
    pub fn forward(&self, x: Tensor<4>, t: &[f64], conditions: &Conditions, hints: &[Hint]) -> Residuals {
        let [batch, ..] = x.dims();
        assert_eq!(t.len(), batch, "{} timesteps for a batch of {batch}", t.len());
        let time = silu(self.embed_time(t, conditions, hints, &x.device()));
        let context = Context::new(conditions.context.clone(), &[]);
        let inputs = BlockInputs { time, context, edges: self.wrap.into() };
        let mut x = self.add_hints(convolve_within(&self.conv_in, x, inputs.edges), hints);
        let mut skips = vec![x.clone()];
        for block in &self.down_blocks {
            x = block.forward(x, &inputs, &mut skips);
        }
        if let Some(block) = &self.mid_block {
            x = block.forward(x, &inputs);
        }
        let skips = skips.into_iter().zip(&self.controlnet_down_blocks);
        Residuals {
            skips: skips.map(|(skip, conv)| convolve(conv, skip)).collect(),
            mid: convolve(&self.controlnet_mid_block, x),
        }
    }

    /// Returns the network for images that continue at the opposite edges, as the U-Net's [`with_wrap`](crate::Unet::with_wrap).
    /// Hints must be embedded by the same network.
    pub fn with_wrap(self, wrap: Wrap) -> Self {
        Self { wrap, ..self }
    }

    /// The precision in which images, hints and conditions are expected.
    pub fn dtype(&self) -> DType {
        self.time_embedding.dtype()
    }

    /// The network's configuration.
    pub fn config(&self) -> &ControlNetConfig {
        &self.config
    }

    fn embed_time(&self, t: &[f64], conditions: &Conditions, hints: &[Hint], device: &Device) -> Tensor<2> {
        let embeddings = (&self.time_embedding, self.add_embedding.as_ref());
        let time = embed_time(&self.config.unet, embeddings, t, conditions, device);
        match &self.union {
            Some(union) => time + union.embed_kinds(hints, self.dtype(), device),
            None => time,
        }
    }

    /// Adds the hints' features to the first convolution's output.
    fn add_hints(&self, x: Tensor<4>, hints: &[Hint]) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        for hint in hints {
            let found = hint.features.dims();
            let fits = (found[0] == 1 || found[0] == batch) && found[1..] == [channels, height, width];
            assert!(fits, "a hint of shape {found:?} for feature maps of shape {:?}", x.dims());
        }
        match (&self.union, hints) {
            (Some(union), [first, rest @ ..]) => {
                x + rest.iter().fold(union.features(first), |sum, hint| sum + union.features(hint))
            }
            (None, [hint]) => {
                assert!(hint.kind.is_none(), "a hint with a kind for a network that knows no kinds");
                x + hint.scaled()
            }
            _ => panic!("{} hints for a network that takes {}", hints.len(), self.takes()),
        }
    }

    fn takes(&self) -> &'static str {
        if self.union.is_some() { "at least one" } else { "one" }
    }
}
