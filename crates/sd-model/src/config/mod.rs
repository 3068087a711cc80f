//! The JSON files of a model folder in the diffusers layout, read into the configurations of modules, and [inferred] for
//! single files.
//!
//! An unsupported value that would change the result is an error. An unknown key is an error in a
//! [strict](Json::strictly) reading and a note in a [loose](Json::loosely) one, unless it is null or false, which by
//! convention mean "off".

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
