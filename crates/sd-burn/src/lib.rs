#![doc = include_str!("../README.md")]

pub use sd_pipeline::*;

/// Burn as these crates use it.
pub use burn;
pub use sd_adapters as adapters;
pub use sd_clip as clip;
pub use sd_device as device;
pub use sd_guidance as guidance;
pub use sd_image as image;
pub use sd_model as model;
pub use sd_pipeline as pipeline;
pub use sd_preprocess as preprocess;
pub use sd_prompt as prompt;
pub use sd_samplers as samplers;
pub use sd_schedule as schedule;
#[cfg(feature = "train")]
pub use sd_train as train;
pub use sd_unet as unet;
pub use sd_upscale as upscale;
pub use sd_vae as vae;
pub use sd_weights as weights;

/// The project's README, whose programs are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
