#![doc = include_str!("../README.md")]

mod canvas;
mod compact;
mod dense;
mod enlarge;
mod error;
mod foreign;
mod inferred;
mod names;
mod network;
mod rrdb;
mod shuffle;
mod size;
mod tiles;
mod tiling;
mod upscaler;

/// The version of Burn that this crate uses.
pub use burn;
pub use compact::{CompactNet, CompactNetConfig};
pub use error::UpscaleError;
pub use network::NetworkConfig;
pub use rrdb::{RrdbNet, RrdbNetConfig};
pub use sd_device::DType;
pub use sd_image::Image;
pub use size::scaled_size;
pub use tiling::Tile;
pub use upscaler::{Parts, Upscaler, UpscalerFile};
