//! AutoencoderKL, the picture codec of Stable Diffusion, and its small stand-in, AutoencoderTiny.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use sd_vae::AutoencoderKlConfig;
//!
//! let device = Device::flex();
//! let config = AutoencoderKlConfig { block_out_channels: vec![8, 16], norm_num_groups: 4, ..AutoencoderKlConfig::sd() };
//! let vae = config.init(&device); // random weights; `sd-weights` loads real ones
//!
//! let latents = vae.encode(Tensor::zeros([1, 3, 16, 16], &device)).mean();
//! assert_eq!(latents.dims(), [1, 4, 8, 8]);
//! assert_eq!(vae.decode(latents).dims(), [1, 3, 16, 16]);
//! ```
//!
//! Without a backend there is no device: turn one of Burn's on (`burn/flex`), and for the kernels on it `sd-ops/flex`.
//!
//! Field names are the keys of a diffusers checkpoint. Latents are counted as the U-Net sees them: the scaling factor
//! is applied in here, so that no caller can forget it.

mod attention;
mod autoencoder;
mod config;
mod decoder;
mod encoder;
mod resnet;
mod tiny;

pub use autoencoder::{AutoencoderKl, Posterior};
pub use config::AutoencoderKlConfig;
pub use tiny::{AutoencoderTiny, AutoencoderTinyConfig};
