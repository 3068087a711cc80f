#![doc = include_str!("../README.md")]

mod cache;
mod checksum;
mod client;
mod download;
mod error;
mod hub;
mod needed;
mod wanted;

pub use error::HubError;
pub use hub::{Download, Found, Hub, Watch};
pub use wanted::Wanted;
