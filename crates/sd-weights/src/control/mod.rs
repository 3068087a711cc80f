//! Networks that steer a model by images: told apart by the names of their tensors, whose names become those of the diffusers
//! layout.

mod complete;
mod foreign;
mod image_adapter;
mod kind;
mod names;
mod recognise;
mod t2i_adapter;
mod write;

pub use image_adapter::{image_adapter, is_image_adapter};
pub use kind::{ControlKind, ControlLayout};
pub use recognise::ControlWeights;
pub use t2i_adapter::{is_t2i_adapter, t2i_adapter};
