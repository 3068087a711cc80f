//! The JSON files of a model folder in the diffusers layout, read into the configurations of modules, and [inferred] for
//! single files.
//!
//! An unsupported value that would change the result is an error. An unknown key is an error in a
//! [strict](Json::strictly) reading and a note in a [loose](Json::loosely) one, unless it is null or false, which by
//! convention mean "off".

mod adapters;
mod class;
mod clip;
mod control;
mod edm;
pub mod inferred;
mod json;
mod scheduler;
mod tiny;
mod unconditional;
mod unet;
mod vae;
mod vision;
pub mod write;

pub use adapters::{ImageAdapterShape, image_adapter_shape, layer_counts, t2i_adapter_config, t2i_adapter_fits};
pub use clip::clip_config;
pub use control::control_net_config;
pub(crate) use control::{CONTROL_NET, UNION, check_hint};
pub use json::Json;
pub use scheduler::SchedulerConfig;
pub use tiny::tiny_config;
pub use unconditional::unconditional_config;
pub use unet::unet_config;
pub use vae::vae_config;
pub use vision::vision_config;
