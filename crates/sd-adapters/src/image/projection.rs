use burn::prelude::*;
use burn::tensor::DType;

use super::config::ProjectionConfig;
use super::full::FullProjection;
use super::plain::ImageProjection;
use super::resampler::Resampler;

/// From what the vision tower saw in an image to tokens, which the U-Net reads beside those of the text.
#[derive(Module, Debug)]
pub enum Projection {
    /// The plain IP-Adapter: 4 tokens.
    Plain(ImageProjection),
    /// IP-Adapter Plus, for whole images or for faces: 16 tokens.
    Plus(Resampler),
    /// IP-Adapter Full: a token for each of the 257 states.
    Full(FullProjection),
}

impl ProjectionConfig {
    /// Creates the projection on `device`, with random weights.
    pub fn init(&self, device: &Device) -> Projection {
        match self {
            Self::Plain(config) => Projection::Plain(config.init(device)),
            Self::Plus(config) => Projection::Plus(config.init(device)),
            Self::Full(config) => Projection::Full(config.init(device)),
        }
    }
}

impl Projection {
    /// Returns the tokens of images.
    ///
    /// # Shapes
    ///
    /// - states: `[images, states, image_width]`, of the vision tower's output that the config
    ///   [reads](ProjectionConfig::reads); a plain projection reads 1 state, the embedding
    /// - output: `[images, tokens, token_width]`
    ///
    /// # Panics
    ///
    /// Panics if the states have another width, or if a plain projection is given several.
    pub fn forward(&self, states: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Plain(projection) => {
                let [images, count, width] = states.dims();
                assert_eq!(count, 1, "a plain IP-Adapter reads 1 embedding of an image, not {count} states");
                projection.forward(states.reshape([images, width]))
            }
            Self::Plus(projection) => projection.forward(states),
            Self::Full(projection) => projection.forward(states),
        }
    }

    /// The precision in which states are expected.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Plain(projection) => projection.dtype(),
            Self::Plus(projection) => projection.dtype(),
            Self::Full(projection) => projection.dtype(),
        }
    }
}
