use burn::module::Param;
use burn::nn::{Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::{linear, normalise_tokens, project, quick_gelu};

use super::{Hint, UnionConfig};
use crate::embedding::{Sinusoids, TimestepEmbedding};

/// What lets one ControlNet read hints of several kinds, and several hints at once (ControlNet++).
///
/// Each hint's features are shifted by a vector, which layers make from the features' mean and the hint's kind. The time
/// embedding says which kinds are present.
///
/// The layers are those of a transformer over the hints and the image, but the published networks were trained with attention
/// along the batch instead of along this sequence (PyTorch's `MultiheadAttention` expects the batch second). So a vector attends
/// to the same hint of the other images in the batch, which for the rows of guidance is the same vector again. Here each image is
/// alone, whatever it is drawn beside: attention is its values, and the vector of the image itself, which nothing reads, is left
/// out.
#[derive(Module, Debug)]
pub(super) struct Union {
    control_add_embedding: TimestepEmbedding,
    task_embedding: Param<Tensor<2>>,
    transformer_layes: Vec<Layer>,
    spatial_ch_projs: Linear,
    #[module(skip)]
    config: UnionConfig,
}

impl Union {
    /// `channels`: those of the features; `time_width`: width of the time embedding.
    pub fn new(config: UnionConfig, channels: usize, time_width: usize, device: &Device) -> Self {
        let UnionConfig { kinds, layers, time_embed_dim } = config;
        let normal = Initializer::Normal { mean: 0.0, std: (channels as f64).sqrt() };
        Self {
            control_add_embedding: TimestepEmbedding::new(kinds * time_embed_dim, time_width, device),
            task_embedding: normal.init([kinds, channels], device),
            transformer_layes: (0..layers).map(|_| Layer::new(channels, device)).collect(),
            spatial_ch_projs: LinearConfig::new(channels, channels).with_initializer(Initializer::Zeros).init(device),
            config,
        }
    }

    /// Embeds which kinds are among the hints; output: `[1, time_width]`.
    pub fn embed_kinds(&self, hints: &[Hint], dtype: DType, device: &Device) -> Tensor<2> {
        let is_present = |kind| hints.iter().any(|hint| hint.kind == Some(kind));
        let present: Vec<f64> = (0..self.config.kinds).map(|kind| f64::from(u8::from(is_present(kind)))).collect();
        let sinusoids = Sinusoids::new(self.config.time_embed_dim).embed(&present, device).cast(dtype);
        self.control_add_embedding.forward(sinusoids.reshape([1, -1]))
    }

    /// Returns the hint's features as they enter the network, shifted and scaled: `[1 or batch, channels, height, width]`.
    ///
    /// # Panics
    ///
    /// Panics if the hint has no kind, or one that the network does not know.
    pub fn features(&self, hint: &Hint) -> Tensor<4> {
        let kinds = self.config.kinds;
        let kind = hint.kind.filter(|&kind| kind < kinds);
        let kind = kind.unwrap_or_else(|| panic!("a hint of kind {:?} for a network of {kinds} kinds", hint.kind));
        let [rows, channels, ..] = hint.features.dims();
        let mean = hint.features.clone().mean_dims(&[2, 3]).reshape([rows, channels]);
        let mut x = (mean + self.task_embedding.val().slice_dim(0, kind..kind + 1)) * hint.scale;
        for layer in &self.transformer_layes {
            x = layer.forward(x);
        }
        let shift = project(&self.spatial_ch_projs, x) * hint.scale;
        hint.scaled() + shift.reshape([rows, channels, 1, 1])
    }
}

/// Epsilon of the layer norms.
const EPS: f64 = 1e-5;

/// A layer of CLIP's transformer, for vectors that attend to themselves alone.
#[derive(Module, Debug)]
struct Layer {
    attn: PackedAttention,
    ln_1: LayerNorm,
    mlp: Mlp,
    ln_2: LayerNorm,
}

/// Attention with its queries, keys and values in one matrix of the checkpoint's order, `[3·channels, channels]`.
#[derive(Module, Debug)]
struct PackedAttention {
    in_proj_weight: Param<Tensor<2>>,
    in_proj_bias: Param<Tensor<1>>,
    out_proj: Linear,
}

#[derive(Module, Debug)]
struct Mlp {
    c_fc: Linear,
    c_proj: Linear,
}

impl Layer {
    fn new(channels: usize, device: &Device) -> Self {
        let norm = || LayerNormConfig::new(channels).with_epsilon(EPS).init(device);
        let uniform = Initializer::XavierUniform { gain: 1.0 };
        Self {
            attn: PackedAttention {
                in_proj_weight: uniform.init_with([3 * channels, channels], Some(channels), Some(3 * channels), device),
                in_proj_bias: Initializer::Zeros.init([3 * channels], device),
                out_proj: LinearConfig::new(channels, channels).init(device),
            },
            ln_1: norm(),
            mlp: Mlp {
                c_fc: LinearConfig::new(channels, 4 * channels).init(device),
                c_proj: LinearConfig::new(4 * channels, channels).init(device),
            },
            ln_2: norm(),
        }
    }

    /// `x` and output: `[rows, channels]`.
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = x.clone() + self.attn.values(normalise_tokens(&self.ln_1, EPS, x));
        let h = project(&self.mlp.c_fc, normalise_tokens(&self.ln_2, EPS, x.clone()));
        x + project(&self.mlp.c_proj, quick_gelu(h))
    }
}

impl PackedAttention {
    /// The attention of vectors that attend to themselves: their values.
    fn values(&self, x: Tensor<2>) -> Tensor<2> {
        let channels = x.dims()[1];
        let third = 2 * channels..3 * channels;
        let weight = self.in_proj_weight.val().slice_dim(0, third.clone()).transpose();
        project(&self.out_proj, linear(x, weight, Some(self.in_proj_bias.val().slice_dim(0, third))))
    }
}
