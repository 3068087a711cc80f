#![doc = include_str!("../README.md")]

mod drawn;
mod engine;
mod error;
mod job;
mod library;
mod options;
mod record;

pub use drawn::Drawn;
pub use engine::{Engine, MOST_TOGETHER, Notices, Planned, Prepared, Progress, unknown_words};
pub use error::{EngineError, Pass};
pub use job::{HiresPass, HiresSize, Job, NamedAdapter, NamedEmbedding, NamedLora, Predicts, RefinerPass, Tiling};
pub use library::{BuiltInModel, Entry, Kind, Library, LibraryFolders};
pub use options::EngineOptions;
pub use record::{Record, Used};

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
