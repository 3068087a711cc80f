//! What the parts of Stable Diffusion are trained to do.

mod autoencoder;
mod diffusion;

pub use autoencoder::{Autoencoding, AutoencodingBatch, AutoencodingConfig, Distance};
pub use diffusion::{Diffusion, DiffusionBatch, DiffusionConfig, TextToLatents};
