//! The JSON files of a model folder in the diffusers layout, as the plain values that modules are made from; and, for
//! single files, [what these would say](inferred).
//!
//! A value that changes the result and is not supported is an error; so is an unknown key, unless it is null or false,
//! which by convention means "off".

mod class;
mod clip;
pub mod inferred;
mod json;
mod scheduler;
mod tiny;
mod unconditional;
mod unet;
mod vae;
pub mod write;

pub use clip::clip_config;
pub use json::Json;
pub use scheduler::SchedulerConfig;
pub use tiny::tiny_config;
pub use unconditional::unconditional_config;
pub use unet::unet_config;
pub use vae::vae_config;
