//! Training tasks of the parts of Stable Diffusion and of DDPM's network.

mod autoencoder;
mod denoising;
mod diffusion;
mod noising;

pub use autoencoder::{Autoencoding, AutoencodingBatch, AutoencodingConfig, Distance};
pub use denoising::{Denoising, DenoisingBatch, DenoisingConfig};
pub use diffusion::{Diffusion, DiffusionBatch, DiffusionConfig, TextToLatents};
