use crate::LayerCounts;

/// Configuration of an [`ImageProjection`](crate::ImageProjection).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageProjectionConfig {
    /// Width of the image's embedding.
    pub image_width: usize,
    /// Width of a token, which is that of a token of the text.
    pub token_width: usize,
    /// Tokens of an image.
    pub tokens: usize,
}

/// Configuration of a [`Resampler`](crate::Resampler).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResamplerConfig {
    /// Width of the vision tower's states.
    pub image_width: usize,
    /// Width inside.
    pub width: usize,
    /// Width of a token.
    pub token_width: usize,
    /// Tokens of an image.
    pub tokens: usize,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads, of 64 channels each.
    pub heads: usize,
}

/// Configuration of a [`FullProjection`](crate::FullProjection).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FullProjectionConfig {
    /// Width of the vision tower's states.
    pub image_width: usize,
    /// Width of a token.
    pub token_width: usize,
}

/// Configuration of a [`Projection`](crate::Projection).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectionConfig {
    /// The plain IP-Adapter.
    Plain(ImageProjectionConfig),
    /// IP-Adapter Plus, for whole images or for faces.
    Plus(ResamplerConfig),
    /// IP-Adapter Full.
    Full(FullProjectionConfig),
}

/// What a projection reads of CLIP's vision tower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageStates {
    /// The image's embedding, after the tower's last projection: `[images, 1, width]`.
    ///
    /// The negative side reads zeros of the same shape.
    Embedding,
    /// The states after the tower's last layer but one, with that of the class first: `[images, 257, width]`.
    ///
    /// The negative side reads those of a picture whose values are 0 after the tower's normalisation, which is a grey one.
    Penultimate,
}

/// Configuration of [`KeysValues`](crate::KeysValues).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysValuesConfig {
    /// Width of a token.
    pub token_width: usize,
    /// Channels of each cross-attention layer, in the order of files; see [`LayerCounts::run_order`].
    pub channels: Vec<usize>,
    /// Where these layers are in the U-Net.
    pub counts: LayerCounts,
}

/// Configuration of an [`ImageAdapter`](crate::ImageAdapter).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageAdapterConfig {
    /// From what the vision tower saw to tokens.
    pub projection: ProjectionConfig,
    /// From tokens to keys and values.
    pub keys_values: KeysValuesConfig,
}

impl ProjectionConfig {
    /// What the projection reads of the vision tower.
    pub fn reads(&self) -> ImageStates {
        match self {
            Self::Plain(_) => ImageStates::Embedding,
            Self::Plus(_) | Self::Full(_) => ImageStates::Penultimate,
        }
    }

    /// Width of what it reads.
    pub fn image_width(&self) -> usize {
        match self {
            Self::Plain(config) => config.image_width,
            Self::Plus(config) => config.image_width,
            Self::Full(config) => config.image_width,
        }
    }

    /// Width of a token.
    pub fn token_width(&self) -> usize {
        match self {
            Self::Plain(config) => config.token_width,
            Self::Plus(config) => config.token_width,
            Self::Full(config) => config.token_width,
        }
    }
}
