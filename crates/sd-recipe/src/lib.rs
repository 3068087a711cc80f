#![doc = include_str!("../README.md")]

mod check_control;
mod check_distillation;
mod check_lora;
mod check_noise;
mod control_config;
mod data;
mod distillation_config;
mod error;
mod event;
mod files;
mod fingerprint;
mod learned_variance;
mod limits;
mod lora_config;
mod metrics;
mod outputs;
mod plot;
mod product;
mod read;
mod recipe;
mod run;
mod self_conditioning;
mod sheet;
mod text;
mod trainings;

pub use control_config::ControlConfig;
pub use data::Dataset;
pub use distillation_config::DistillationConfig;
pub use error::RecipeError;
pub use event::{Event, Watch};
pub use lora_config::{KindName, LoraConfig, TargetsName};
pub use metrics::Line;
pub use recipe::{
    AutoencoderConfig, DataConfig, DiffusionConfig, DistanceName, Recipe, SamplesConfig, Training, TrainingConfig,
};
pub use trainings::train;
