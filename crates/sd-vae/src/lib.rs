#![doc = include_str!("../README.md")]
//!
//! Field names are the keys of a diffusers checkpoint. Latents are counted as the U-Net sees them: the scaling factor
//! is applied in here, so that no caller can forget it.

mod attention;
mod autoencoder;
mod config;
mod decoder;
mod encoder;
mod kl;
mod resnet;
mod tiny;

pub use autoencoder::Autoencoder;
/// Burn as this crate uses it.
pub use burn;
pub use config::AutoencoderKlConfig;
pub use kl::{AutoencoderKl, Posterior};
pub use tiny::{AutoencoderTiny, AutoencoderTinyConfig};
