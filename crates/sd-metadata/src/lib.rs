#![doc = include_str!("../README.md")]

mod comfyui;
mod keys;
mod making;
mod pairs;
mod parameters;
mod samplers;
mod schedules;

pub use comfyui::{ComfyUi, ComfyUiError};
pub use making::{Making, Source};
pub use parameters::Parameters;
pub use samplers::{has_automatic_schedule, sampler_label, sampler_name, sampling};
pub use schedules::{schedule_label, schedule_name};
