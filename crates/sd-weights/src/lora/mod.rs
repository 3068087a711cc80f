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

pub use file::Lora;
pub use merge::LoraReport;
pub use target::Component;
