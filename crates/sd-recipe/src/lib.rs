//! Trainings from a TOML file: data, models, samples on the way, and a model folder at the end.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use std::path::Path;
//!
//! use sd_pipeline::Device;
//! use sd_recipe::{Recipe, follow};
//!
//! let recipe = Recipe::read(Path::new("autoencoder.toml"))?;
//! follow(&recipe, &Device::flex(), &mut |event| {
//!     println!("{event:?}");
//!     ControlFlow::Continue(())
//! })?;
//! # Ok::<(), sd_recipe::RecipeError>(())
//! ```

mod data;
mod error;
mod event;
mod fingerprint;
mod limits;
mod metrics;
mod outputs;
mod plot;
mod read;
mod recipe;
mod run;
mod sheet;
mod text;
mod trainings;

pub use data::Pictures;
pub use error::RecipeError;
pub use event::{Event, Watch};
pub use metrics::Line;
pub use recipe::{
    AutoencoderConfig, DataConfig, DiffusionConfig, DistanceName, Recipe, SamplesConfig, TrainingConfig, What,
};
pub use sheet::sheet;
pub use trainings::follow;
