#![doc = include_str!("../README.md")]
//!
//! A [`Plan`] is a request with every default filled in, which [`Model::plan`] makes before any weights are read.
//! [`Pipeline::draw_with`] draws it, shows every step, can be cancelled at each, and takes noise of your own:
//!
//! ```no_run
//! # use sd_pipeline::{DType, Device, Error, Pipeline, Request, TorchNoise};
//! # let pipeline = Pipeline::from_folder("model", &Device::flex(), DType::F32)?;
//! use std::ops::ControlFlow;
//!
//! let plan = pipeline.model().plan(&Request { steps: Some(20), ..Request::new("a lighthouse at dusk") })?;
//! println!("{plan}"); // every value, and where it came from
//! let drawn = pipeline.draw_with(&plan, &mut TorchNoise::new(7), &mut |step| {
//!     println!("{}/{} at noise level {:.2}", step.call, step.calls, step.sigma); // and step.denoised
//!     ControlFlow::Continue(())
//! })?;
//! # Ok::<(), Error>(())
//! ```
//!
//! Models of the original kind draw in pixels and read no text: the default [`Request`] is for them.
//!
//! ```no_run
//! # use sd_pipeline::{DType, Device, Pipeline, Request};
//! let pipeline = Pipeline::from_folder("ddpm-cifar10-32", &Device::flex(), DType::F32)?;
//! pipeline.draw(&Request { seed: 7, ..Request::default() })?.image.save("animal.png")?;
//! # Ok::<(), sd_pipeline::Error>(())
//! ```
//!
//! # Features
//!
//! Each backend is a feature, as of [`sd_device`]: [`device_by_name`] chooses among those that are built in, and [`best_device`]
//! names the best.

mod batch;
pub mod config;
mod convert;
mod error;
mod folder;
mod guidance;
mod image;
mod image_file;
mod index;
mod latents;
mod memory;
mod merge;
mod model;
mod networks;
mod number;
mod open;
mod pipeline;
mod plan;
mod precision;
mod prompt;
mod reconstruct;
mod request;
mod sampler;
mod schedule;
mod single_file;
mod summary;
mod text_part;
mod text_to_image;
mod textual_inversion;
mod unconditional;
mod vae;
mod watch;

pub use self::image::Image;
pub use burn::tensor::{Device, Tensor};
pub use convert::{Layout, Written, convert};
pub use error::Error;
pub use folder::BuiltIn;
pub use latents::Latents;
pub use memory::MemoryNeed;
pub use model::{Defaults, Model};
pub use pipeline::{GeneratedImage, Pipeline};
pub use plan::{OptionValue, Origin, Plan, Resolved, Sampling, Settings};
pub use request::Request;
pub use sampler::SamplerName;
pub use schedule::Schedule;
pub use sd_device::{
    DType, DeviceError, DeviceInfo, DeviceKind, best_device, device_by_name, device_info, device_names, devices,
    is_processor,
};
#[cfg(feature = "flex")]
pub use sd_ops::{Vectors, VectorsError, vectors};
pub use sd_ops::{keep_memory, one_heap};
pub use sd_samplers::{
    BrownianNoise, CATALOGUE, Convention, FreshNoise, Noise, OptionRange, SamplerOption, TorchNoise, Variance,
};
pub use sd_schedule::{NoiseLevels, Prediction};
pub use sd_weights::single_file::WeightSet;
pub use sd_weights::{Destination, Lora, LoraReport, TextualInversion, read_tensor, write_tensor};
pub use single_file::Choices;
pub use summary::{Component, Summary};
pub use watch::Step;
