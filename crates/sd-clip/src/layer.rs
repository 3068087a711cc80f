use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use sd_ops::{attention, causal_attention, gelu, normalise_tokens, project, quick_gelu};

use crate::Activation;

/// What a layer of a text encoder and one of an image encoder differ in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerConfig {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_attention_heads: usize,
    pub hidden_act: Activation,
    pub layer_norm_eps: f64,
    /// Whether a token sees only itself and those before it.
    pub is_causal: bool,
}

/// One transformer layer: self-attention and an MLP, each behind its norm and beside a residual.
#[derive(Module, Debug)]
pub(crate) struct Layer {
    layer_norm1: LayerNorm,
    self_attn: SelfAttention,
    layer_norm2: LayerNorm,
    mlp: Mlp,
    layer_norm_eps: f64,
}

impl Layer {
    pub fn new(config: &LayerConfig, device: &Device) -> Self {
        let norm = || LayerNormConfig::new(config.hidden_size).with_epsilon(config.layer_norm_eps).init(device);
        Self {
            layer_norm1: norm(),
            self_attn: SelfAttention::new(config, device),
            layer_norm2: norm(),
            mlp: Mlp::new(config, device),
            layer_norm_eps: config.layer_norm_eps,
        }
    }

    /// `x` and output: `[batch, tokens, hidden_size]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let normalise = |norm: &LayerNorm, x: &Tensor<3>| normalise_tokens(norm, self.layer_norm_eps, x.clone());
        let x = self.self_attn.forward(normalise(&self.layer_norm1, &x)) + x;
        self.mlp.forward(normalise(&self.layer_norm2, &x)) + x
    }
}

#[derive(Module, Debug)]
struct SelfAttention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    out_proj: Linear,
    heads: usize,
    is_causal: bool,
}

impl SelfAttention {
    fn new(config: &LayerConfig, device: &Device) -> Self {
        let linear = || LinearConfig::new(config.hidden_size, config.hidden_size).init(device);
        Self {
            q_proj: linear(),
            k_proj: linear(),
            v_proj: linear(),
            out_proj: linear(),
            heads: config.num_attention_heads,
            is_causal: config.is_causal,
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, width] = x.dims();
        let split = |x: Tensor<3>| x.reshape([batch, tokens, self.heads, width / self.heads]).swap_dims(1, 2);
        let [q, k, v] = [&self.q_proj, &self.k_proj, &self.v_proj].map(|layer| split(project(layer, x.clone())));
        let attended = if self.is_causal { causal_attention(q, k, v) } else { attention(q, k, v) };
        project(&self.out_proj, attended.swap_dims(1, 2).reshape([batch, tokens, width]))
    }
}

#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
    #[module(skip)]
    activation: Activation,
}

impl Mlp {
    fn new(config: &LayerConfig, device: &Device) -> Self {
        Self {
            fc1: LinearConfig::new(config.hidden_size, config.intermediate_size).init(device),
            fc2: LinearConfig::new(config.intermediate_size, config.hidden_size).init(device),
            activation: config.hidden_act,
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = project(&self.fc1, x);
        let x = match self.activation {
            Activation::QuickGelu => quick_gelu(x),
            Activation::Gelu => gelu(x),
        };
        project(&self.fc2, x)
    }
}
