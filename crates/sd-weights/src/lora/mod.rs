//! Changes of a model's weights that come as files of their own: LoRA and its relatives.

mod blocks;
mod bundle;
mod change;
mod declared;
mod factor;
mod file;
mod folder;
mod glora;
mod kinds;
mod magnitude;
mod merge;
mod multiple;
mod parts;
mod product;
mod rotation;
mod source;
mod target;

pub use file::Lora;
pub use merge::LoraReport;
pub use target::Component;

pub(crate) use factor::flat;
pub(crate) use merge::Patch;
pub(crate) use source::Source;
