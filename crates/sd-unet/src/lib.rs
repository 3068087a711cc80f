#![doc = include_str!("../README.md")]
//!
//! A [`ControlNet`] steers it with images. [`UnconditionalUnet`] is its ancestor, which works on pixels and reads no text. All are
//! built from the same blocks, with different attention.
//!
//! Field names are the keys of a diffusers checkpoint, so that weights are loaded by name. The projections around a
//! transformer are always [`Linear`](burn::nn::Linear) here; the 1×1 convolutions of some checkpoints are the same map.

mod attention;
mod attention_layers;
mod blocks;
mod conditions;
mod config;
mod control;
mod cost;
mod embedding;
mod freeu;
mod image_attention;
mod merging;
mod plan;
mod recall;
mod resnet;
mod self_attention;
mod transformer;
mod unconditional;
mod unconditional_config;
mod unet;

pub use attention_layers::{AttentionLayer, Place};
/// The version of Burn that this crate uses.
pub use burn;
pub use conditions::{AddedConditions, Conditions, Residuals};
pub use config::{AdditionConfig, UnetConfig, UnetLevel};
pub use control::{ControlNet, ControlNetConfig, Hint, UnionConfig};
pub use cost::Work;
pub use freeu::FreeU;
pub use image_attention::{ImageAttention, KeysValues};
pub use recall::{CrossAttention, Deep, Kept, Recall};
pub use sd_ops::Wrap;
pub use unconditional::UnconditionalUnet;
pub use unconditional_config::{UnconditionalLevel, UnconditionalUnetConfig};
pub use unet::Unet;
