//! T2I-Adapter: a drawing to four feature maps.

mod adapter;
mod block;
mod config;
mod pixels;

pub use adapter::T2iAdapter;
pub use config::{T2iAdapterConfig, T2iAdapterKind};
