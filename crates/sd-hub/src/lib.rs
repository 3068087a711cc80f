#![doc = include_str!("../README.md")]

mod cache;
mod checksum;
mod client;
mod download;
mod error;
mod hub;
mod model_id;
mod select_files;

pub use download::Download;
pub use error::HubError;
pub use hub::{Found, Hub, Watch};
pub use model_id::ModelId;
