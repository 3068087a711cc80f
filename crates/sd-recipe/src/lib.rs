#![doc = include_str!("../README.md")]

mod check_control;
mod check_data;
mod check_distillation;
mod check_inversion;
mod check_lora;
mod check_noise;
mod check_prior;
mod control_config;
mod data;
mod distillation_config;
mod error;
mod estimate;
mod event;
mod files;
mod fingerprint;
mod inversion_config;
mod learned_variance;
mod limits;
mod lora_config;
mod metrics;
mod outputs;
mod plot;
mod prior_config;
mod product;
mod read;
mod recipe;
mod rehearsal;
mod run;
mod self_conditioning;
mod sheet;
mod templates;
mod text;
mod trainings;
mod used_keys;

pub use control_config::ControlConfig;
pub use data::Dataset;
pub use distillation_config::DistillationConfig;
pub use error::RecipeError;
pub use estimate::{Estimate, estimate};
pub use event::{Event, Measured, Watch};
pub use inversion_config::InversionConfig;
pub use lora_config::{KindName, LoraConfig, TargetsName};
pub use metrics::Line;
pub use prior_config::PriorConfig;
pub use recipe::{
    AutoencoderConfig, DataConfig, DiffusionConfig, DistanceName, Recipe, SamplesConfig, Training, TrainingConfig,
};
pub use templates::{Templates, TemplatesName};
pub use trainings::train;
