//! LoRA and its relatives: changes of a model's weights in files of their own.

mod blocks;
mod bundle;
mod delta;
mod factor;
mod file;
mod folder;
mod glora;
mod kinds;
mod magnitude;
mod merge;
mod multiple;
mod parts;
mod peft_config;
mod product;
mod rotation;
mod source;
mod target;
mod write;

pub(crate) use delta::Delta;
pub(crate) use factor::Factor;
pub use file::Lora;
pub(crate) use merge::LoraPatch;
pub use merge::LoraReport;
pub(crate) use product::Product;
pub(crate) use source::Source;
pub use target::Component;
pub use write::{LoraLayer, LoraNames, LoraTensor, OriginalNames, write_lora};
