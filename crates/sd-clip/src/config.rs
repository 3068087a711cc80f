use burn::prelude::*;

/// The non-linearity between the two layers of each MLP.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x·sigmoid(1.702·x)`: OpenAI's CLIP.
    QuickGelu,
    /// `x·Φ(x)`, the exact one: OpenCLIP.
    Gelu,
}

/// Configuration of a [`ClipText`](crate::ClipText) encoder, with the names of the checkpoint's `config.json`.
#[derive(Config, Debug, PartialEq)]
pub struct ClipTextConfig {
    /// Number of tokens in the vocabulary.
    pub vocab_size: usize,
    /// Width of a token's vector.
    pub hidden_size: usize,
    /// Width inside each MLP.
    pub intermediate_size: usize,
    /// Number of transformer layers, at least 2.
    pub num_hidden_layers: usize,
    /// Attention heads per layer; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Longest prompt, in tokens.
    pub max_position_embeddings: usize,
    /// The non-linearity of the MLPs.
    pub hidden_act: Activation,
    /// Epsilon of every norm.
    pub layer_norm_eps: f64,
    /// The token that ends a prompt, at whose position the pooled vector is taken. As in old configs, 2 means the highest id
    /// of the prompt.
    pub eos_token_id: u32,
    /// Width of the pooled vector, for an encoder with a projection on top.
    pub projection_dim: Option<usize>,
}

impl ClipTextConfig {
    /// CLIP ViT-L/14's text encoder: Stable Diffusion 1.x, and the first encoder of XL.
    pub fn sd1() -> Self {
        Self {
            vocab_size: 49408,
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            max_position_embeddings: 77,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
            eos_token_id: 2,
            projection_dim: None,
        }
    }

    /// OpenCLIP ViT-H/14's text encoder without its last layer: Stable Diffusion 2.x.
    pub fn sd2() -> Self {
        Self {
            hidden_size: 1024,
            intermediate_size: 4096,
            num_hidden_layers: 23,
            num_attention_heads: 16,
            hidden_act: Activation::Gelu,
            ..Self::sd1()
        }
    }

    /// OpenCLIP ViT-bigG/14's text encoder: the second encoder of XL.
    pub fn sdxl_2() -> Self {
        Self {
            hidden_size: 1280,
            intermediate_size: 5120,
            num_hidden_layers: 32,
            num_attention_heads: 20,
            projection_dim: Some(1280),
            ..Self::sd2()
        }
    }
}
