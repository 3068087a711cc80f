//! Low-rank changes of a model's weights.

mod change;
mod declared;
mod factor;
mod file;
mod parts;
mod target;

pub use file::{Lora, LoraReport};
pub use target::Component;

pub(crate) use change::Change;
pub(crate) use factor::flat;
pub(crate) use file::{Patch, Source};
