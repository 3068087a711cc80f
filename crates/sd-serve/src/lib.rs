#![doc = include_str!("../README.md")]

mod api_error;
mod artist;
mod blocking;
mod body;
mod client;
mod error;
mod guard;
mod health;
mod id;
mod jobs;
mod metrics;
mod openai;
mod options;
mod page;
mod path;
mod queue;
mod router;
mod sdapi;
mod server;
mod state;
mod store;

pub use artist::{Artist, Failure, Outline, Step, Tokens, Watch};
pub use error::ServeError;
pub use guard::{Keys, KeysError};
pub use options::{Limits, Retention, ServeOptions};
pub use server::Server;
pub use store::StoreError;
