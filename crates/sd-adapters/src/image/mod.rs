//! IP-Adapter: an image to keys and values for the U-Net's attention.

mod adapter;
mod config;
mod feed_forward;
mod full;
mod keys_values;
mod layers;
mod norm;
mod plain;
mod projection;
mod resampler;

pub use adapter::ImageAdapter;
pub use config::{
    FullProjectionConfig, ImageAdapterConfig, ImageProjectionConfig, ImageStates, KeysValuesConfig, ProjectionConfig,
    ResamplerConfig,
};
pub use full::FullProjection;
pub use keys_values::KeysValues;
pub use layers::LayerCounts;
pub use plain::ImageProjection;
pub use projection::Projection;
pub use resampler::Resampler;
