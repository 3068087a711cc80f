//! Control networks: opened, compared with the model that they are added to, and loaded.

mod add;
mod conditions;
mod file;
mod fits;
mod load;
mod summary;

pub use file::ControlFile;
pub(crate) use file::Network;
pub use load::Control;
pub use summary::ControlSummary;
