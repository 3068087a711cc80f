//! LoRA and its relatives: small trained changes of the weights of a network that itself stays as it is.

mod adapter;
mod config;
mod factors;
mod network;
mod row_dropout;

pub use adapter::Adapter;
pub use config::{AdapterConfig, AdapterKind, Targets};
pub use network::Adapters;
pub use row_dropout::RowDropout;
