#![doc = include_str!("../README.md")]
//!
//! [`UnconditionalUnet`] is its ancestor, which works on pixels and reads no text. The two share their blocks, which differ in
//! their attention.
//!
//! Field names are the keys of a diffusers checkpoint, so that weights find their place by name. Linear and
//! convolutional projections around a transformer are the same map; here they are always [`Linear`](burn::nn::Linear).

mod attention;
mod blocks;
mod conditions;
mod config;
mod embedding;
mod plan;
mod resnet;
mod self_attention;
mod transformer;
mod unconditional;
mod unconditional_config;
mod unet;

/// Burn as this crate uses it.
pub use burn;
pub use conditions::{AddedConditions, Conditions, Residuals};
pub use config::{AdditionConfig, UnetConfig, UnetLevel};
pub use unconditional::UnconditionalUnet;
pub use unconditional_config::{UnconditionalLevel, UnconditionalUnetConfig};
pub use unet::Unet;
