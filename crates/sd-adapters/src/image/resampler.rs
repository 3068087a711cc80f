use burn::module::Param;
use burn::nn::{Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::{attend, normalise_tokens, project};

use super::config::ResamplerConfig;
use super::feed_forward::FeedForward;
use super::norm::{EPS, dtype};

/// Channels of an attention head.
const HEAD: usize = 64;

/// The projection of IP-Adapter Plus: learnt queries collect tokens from the vision tower's states (the resampler of Alayrac et al.
/// 2022, [arXiv:2204.14198](https://arxiv.org/abs/2204.14198)).
#[derive(Module, Debug)]
pub struct Resampler {
    latents: Param<Tensor<3>>,
    proj_in: Linear,
    layers: Vec<Layer>,
    proj_out: Linear,
    norm_out: LayerNorm,
}

impl ResamplerConfig {
    /// Creates the projection on `device`, with random weights.
    pub fn init(&self, device: &Device) -> Resampler {
        let &Self { image_width, width, token_width, tokens, layers, heads } = self;
        let spread = Initializer::Normal { mean: 0.0, std: (width as f64).sqrt().recip() };
        Resampler {
            latents: spread.init([1, tokens, width], device),
            proj_in: LinearConfig::new(image_width, width).init(device),
            layers: (0..layers).map(|_| Layer::new(width, heads, device)).collect(),
            proj_out: LinearConfig::new(width, token_width).init(device),
            norm_out: LayerNormConfig::new(token_width).with_epsilon(EPS).init(device),
        }
    }
}

impl Resampler {
    /// Returns the tokens of images.
    ///
    /// # Shapes
    ///
    /// - states: `[images, states, image_width]`
    /// - output: `[images, tokens, token_width]`
    ///
    /// # Panics
    ///
    /// Panics if the states have another width.
    pub fn forward(&self, states: Tensor<3>) -> Tensor<3> {
        let [images, ..] = states.dims();
        let states = project(&self.proj_in, states);
        let latents = self.latents.val().repeat_dim(0, images);
        let latents = self.layers.iter().fold(latents, |latents, layer| layer.forward(states.clone(), latents));
        normalise_tokens(&self.norm_out, EPS, project(&self.proj_out, latents))
    }

    pub(super) fn dtype(&self) -> DType {
        dtype(&self.norm_out)
    }
}

/// Attention of the latents to the states and to each other, and an MLP.
#[derive(Module, Debug)]
struct Layer {
    ln0: LayerNorm,
    ln1: LayerNorm,
    attn: Attention,
    ff_norm: LayerNorm,
    ff: FeedForward,
}

impl Layer {
    fn new(width: usize, heads: usize, device: &Device) -> Self {
        let norm = || LayerNormConfig::new(width).with_epsilon(EPS).init(device);
        Self {
            ln0: norm(),
            ln1: norm(),
            attn: Attention::new(width, heads, device),
            ff_norm: norm(),
            ff: FeedForward::new([width, 4 * width, width], false, device),
        }
    }

    /// `states`: `[images, states, width]`; `latents` and output: `[images, tokens, width]`.
    fn forward(&self, states: Tensor<3>, latents: Tensor<3>) -> Tensor<3> {
        let queries = normalise_tokens(&self.ln1, EPS, latents.clone());
        let context = Tensor::cat(vec![normalise_tokens(&self.ln0, EPS, states), queries.clone()], 1);
        let latents = self.attn.forward(queries, context) + latents;
        self.ff.forward(normalise_tokens(&self.ff_norm, EPS, latents.clone())) + latents
    }
}

#[derive(Module, Debug)]
struct Attention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
}

impl Attention {
    fn new(width: usize, heads: usize, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).with_bias(false).init(device);
        Self {
            to_q: linear(width, heads * HEAD),
            to_k: linear(width, heads * HEAD),
            to_v: linear(width, heads * HEAD),
            to_out: linear(heads * HEAD, width),
        }
    }

    /// `queries` and output: `[images, tokens, width]`; `context`: `[images, length, width]`.
    fn forward(&self, queries: Tensor<3>, context: Tensor<3>) -> Tensor<3> {
        let split = |x: Tensor<3>| {
            let [images, length, channels] = x.dims();
            x.reshape([images, length, channels / HEAD, HEAD]).swap_dims(1, 2)
        };
        let attended = attend(
            &self.to_q,
            split(project(&self.to_q, queries)),
            split(project(&self.to_k, context.clone())),
            split(project(&self.to_v, context)),
        );
        let [images, heads, tokens, _] = attended.dims();
        project(&self.to_out, attended.swap_dims(1, 2).reshape([images, tokens, heads * HEAD]))
    }
}
