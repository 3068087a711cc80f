use burn::prelude::*;

use crate::Activation;

/// Configuration of a [`ClipVision`](crate::ClipVision) encoder, with the names of the checkpoint's `config.json`.
#[derive(Config, Debug, PartialEq)]
pub struct ClipVisionConfig {
    /// Width of a token's vector.
    pub hidden_size: usize,
    /// Width inside each MLP.
    pub intermediate_size: usize,
    /// Number of transformer layers, at least 1.
    pub num_hidden_layers: usize,
    /// Attention heads per layer; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width and height of an image, in pixels.
    pub image_size: usize,
    /// Width and height of the square that becomes one token, in pixels; at most `image_size`.
    pub patch_size: usize,
    /// The non-linearity of the MLPs.
    pub hidden_act: Activation,
    /// Epsilon of every norm.
    pub layer_norm_eps: f64,
    /// Width of the image's vector, for an encoder with a projection on top.
    pub projection_dim: Option<usize>,
}

impl ClipVisionConfig {
    /// CLIP ViT-L/14's image encoder.
    pub fn vit_l() -> Self {
        Self {
            hidden_size: 1024,
            intermediate_size: 4096,
            num_hidden_layers: 24,
            num_attention_heads: 16,
            image_size: 224,
            patch_size: 14,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
            projection_dim: Some(768),
        }
    }

    /// OpenCLIP ViT-H/14's image encoder: IP-Adapters for Stable Diffusion 1.x, and those for XL with "vit-h" in their names.
    pub fn vit_h() -> Self {
        Self {
            hidden_size: 1280,
            intermediate_size: 5120,
            num_hidden_layers: 32,
            hidden_act: Activation::Gelu,
            projection_dim: Some(1024),
            ..Self::vit_l()
        }
    }

    /// OpenCLIP ViT-bigG/14's image encoder: the other IP-Adapters for XL.
    pub fn vit_bigg() -> Self {
        Self {
            hidden_size: 1664,
            intermediate_size: 8192,
            num_hidden_layers: 48,
            projection_dim: Some(1280),
            ..Self::vit_h()
        }
    }

    /// Number of tokens of an image: its patches and, before them, one for the whole image.
    pub fn tokens(&self) -> usize {
        1 + (self.image_size / self.patch_size).pow(2)
    }

    /// Width of the image's vector: [`VisionEncoding::embeds`](crate::VisionEncoding::embeds).
    pub fn embed_dim(&self) -> usize {
        self.projection_dim.unwrap_or(self.hidden_size)
    }
}
