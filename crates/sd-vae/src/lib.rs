#![doc = include_str!("../README.md")]
//!
//! Field names are the keys of a diffusers checkpoint. Latents are always scaled as the U-Net reads them: this crate applies
//! the scaling factor, so that callers cannot forget it.

mod attention;
mod autoencoder;
mod bands;
mod config;
mod decoder;
mod encoder;
mod in_bands;
mod kl;
mod layers;
mod resnet;
mod tiny;
mod upsample;

pub use autoencoder::{Autoencoder, Encoded};
pub use bands::Banding;
/// The version of Burn that this crate uses.
pub use burn;
pub use config::AutoencoderKlConfig;
pub use in_bands::InBands;
pub use kl::{AutoencoderKl, Posterior};
pub use sd_ops::Wrap;
pub use tiny::{AutoencoderTiny, AutoencoderTinyConfig};
