//! What the parts of Stable Diffusion, and DDPM's network, are trained to do.

mod autoencoder;
mod denoising;
mod diffusion;
mod questions;

pub use autoencoder::{Autoencoding, AutoencodingBatch, AutoencodingConfig, Distance};
pub use denoising::{Denoising, DenoisingBatch, DenoisingConfig};
pub use diffusion::{Diffusion, DiffusionBatch, DiffusionConfig, TextToLatents};
