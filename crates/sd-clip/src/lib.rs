#![doc = include_str!("../README.md")]

mod builtin;
mod config;
mod encoder;
mod error;
mod layer;
mod tokenizer;
mod vision;
mod vocabulary;

pub use builtin::Padding;
/// Burn as this crate uses it.
pub use burn;
pub use config::{Activation, ClipTextConfig};
pub use encoder::{ClipText, TextEncoding};
pub use error::TokenizerError;
/// Images, as [`ClipVisionConfig::pixels`] takes them.
pub use sd_image;
pub use tokenizer::{Encoded, Tokenizer};
pub use vision::{ClipVision, ClipVisionConfig, VisionEncoding};
pub use vocabulary::Vocabulary;
