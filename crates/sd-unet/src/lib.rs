#![doc = include_str!("../README.md")]
//!
//! [`UnconditionalUnet`] is its ancestor, which works on pixels and reads no text. Both are built from the same blocks, with
//! different attention.
//!
//! Field names are the keys of a diffusers checkpoint, so that weights are loaded by name. The projections around a
//! transformer are always [`Linear`](burn::nn::Linear) here; the 1×1 convolutions of some checkpoints are the same map.

mod attention;
mod blocks;
mod conditions;
mod config;
mod embedding;
mod freeu;
mod plan;
mod resnet;
mod self_attention;
mod transformer;
mod unconditional;
mod unconditional_config;
mod unet;

/// The version of Burn that this crate uses.
pub use burn;
pub use conditions::{AddedConditions, Conditions, Residuals};
pub use config::{AdditionConfig, UnetConfig, UnetLevel};
pub use freeu::FreeU;
pub use sd_ops::Wrap;
pub use unconditional::UnconditionalUnet;
pub use unconditional_config::{UnconditionalLevel, UnconditionalUnetConfig};
pub use unet::Unet;
