//! Writes the JSON files of a model folder in the diffusers layout; `sd_weights::save` writes the weights.

mod control;
mod scheduler;
mod text_to_image;
mod unconditional;

pub use control::controlnet_config;
pub use scheduler::{ddpm_scheduler_config, edm_scheduler_config, scheduler_config};
pub use text_to_image::{model_index, text_encoder_config, unet_config, vae_config};
pub use unconditional::{ddpm_model_index, unconditional_unet_config};
