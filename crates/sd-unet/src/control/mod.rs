//! Networks that steer a U-Net with images such as edges or depths.

mod config;
mod copy;
mod hint;
mod network;
mod union;

pub use config::{ControlNetConfig, UnionConfig};
pub use hint::Hint;
pub use network::ControlNet;
