use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::{normalise_tokens, project};

use super::config::ImageProjectionConfig;
use super::norm::{EPS, dtype};

/// The projection of the plain IP-Adapter: an image's embedding becomes several tokens by one linear layer (Ye et al. 2023,
/// section 3.2.1).
#[derive(Module, Debug)]
pub struct ImageProjection {
    image_embeds: Linear,
    norm: LayerNorm,
}

impl ImageProjectionConfig {
    /// Creates the projection on `device`, with random weights.
    pub fn init(&self, device: &Device) -> ImageProjection {
        let &Self { image_width, token_width, tokens } = self;
        ImageProjection {
            image_embeds: LinearConfig::new(image_width, tokens * token_width).init(device),
            norm: LayerNormConfig::new(token_width).with_epsilon(EPS).init(device),
        }
    }
}

impl ImageProjection {
    /// Returns the tokens of images.
    ///
    /// # Shapes
    ///
    /// - embeddings: `[images, image_width]`
    /// - output: `[images, tokens, token_width]`
    ///
    /// # Panics
    ///
    /// Panics if the embeddings have another width.
    pub fn forward(&self, embeddings: Tensor<2>) -> Tensor<3> {
        let [images, _] = embeddings.dims();
        let tokens = project(&self.image_embeds, embeddings);
        let [width] = self.norm.gamma.dims();
        let tokens = tokens.reshape([images as i32, -1, width as i32]);
        normalise_tokens(&self.norm, EPS, tokens)
    }

    pub(super) fn dtype(&self) -> DType {
        dtype(&self.norm)
    }
}
