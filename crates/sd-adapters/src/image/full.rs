use burn::nn::{LayerNorm, LayerNormConfig};
use burn::prelude::*;
use burn::tensor::DType;
use sd_ops::normalise_tokens;

use super::config::FullProjectionConfig;
use super::feed_forward::FeedForward;
use super::norm::{EPS, dtype};

/// The projection of IP-Adapter Full: each state of the vision tower becomes a token by an MLP.
#[derive(Module, Debug)]
pub struct FullProjection {
    ff: FeedForward,
    norm: LayerNorm,
}

impl FullProjectionConfig {
    /// Creates the projection on `device`, with random weights.
    pub fn init(&self, device: &Device) -> FullProjection {
        let &Self { image_width, token_width } = self;
        FullProjection {
            ff: FeedForward::new([image_width, image_width, token_width], true, device),
            norm: LayerNormConfig::new(token_width).with_epsilon(EPS).init(device),
        }
    }
}

impl FullProjection {
    /// Returns the tokens of images.
    ///
    /// # Shapes
    ///
    /// - states: `[images, states, image_width]`
    /// - output: `[images, states, token_width]`
    ///
    /// # Panics
    ///
    /// Panics if the states have another width.
    pub fn forward(&self, states: Tensor<3>) -> Tensor<3> {
        normalise_tokens(&self.norm, EPS, self.ff.forward(states))
    }

    pub(super) fn dtype(&self) -> DType {
        dtype(&self.norm)
    }
}
