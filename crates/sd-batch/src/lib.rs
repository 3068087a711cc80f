#![doc = include_str!("../README.md")]

mod artist;
mod error;
mod failed;
mod format;
mod item;
mod manifest;
#[cfg(feature = "nats")]
mod nats;
mod order;
mod run;
mod shard;
mod sheet;

pub use artist::{Artist, DrawError, Step};
pub use error::BatchError;
pub use failed::{Failed, write_failed};
pub use item::Item;
pub use manifest::{Manifest, ManifestKind, Models};
#[cfg(feature = "nats")]
pub use nats::{
    Published, QueueOptions, Server, WatchOptions, Watched, WorkerEvent, WorkerOptions, WorkerState, WorkerStatus,
    publish, watch, work,
};
pub use order::group;
pub use run::{Event, Run, Tally};
pub use shard::Shard;
pub use sheet::contact_sheet;
