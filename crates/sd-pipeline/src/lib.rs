#![doc = include_str!("../README.md")]
//!
//! A [`Plan`] is a request with every default filled in, which [`Model::plan`] makes before any weights are read.
//! [`Pipeline::drawing`] draws it. A [`Drawing`] shows every call of the network and every step, can be cancelled at each, and takes
//! noise, a sampler or embeddings of your own:
//!
//! ```no_run
//! # use sd_pipeline::{DType, Device, Error, Pipeline, Request, TorchNoise};
//! # let pipeline = Pipeline::open("model", &Device::flex(), DType::F32)?;
//! use std::ops::ControlFlow;
//!
//! let plan = pipeline.model().plan(&Request { steps: Some(20), ..Request::new("a lighthouse at dusk") })?;
//! println!("{plan}"); // every value, and where it came from
//! let watch = &mut |step: &sd_pipeline::Step| {
//!     println!("{}/{} at noise level {:.2}", step.call, step.calls, step.sigma); // and step.denoised
//!     ControlFlow::Continue(())
//! };
//! let drawn = pipeline.drawing(&plan).noise(&mut TorchNoise::new(7)).watch(watch).run()?;
//! # Ok::<(), Error>(())
//! ```
//!
//! The parts are open too: prompts become [`Embeddings`] and images [`Latents`] with [`Pipeline::encode_prompts`] and
//! [`Pipeline::encode`], and [`Components`] are the networks behind small traits, to share, use alone or replace.
//!
//! Models of the original kind draw in pixels and read no text: the default [`Request`] is for them.
//!
//! ```no_run
//! # use sd_pipeline::{DType, Device, Pipeline, Request};
//! let pipeline = Pipeline::open("ddpm-cifar10-32", &Device::flex(), DType::F32)?;
//! pipeline.draw(&Request { seed: 7, ..Request::default() })?.image.save("animal.png")?;
//! # Ok::<(), sd_pipeline::Error>(())
//! ```
//!
//! # Features
//!
//! Each backend is a feature, as of [`sd_device`]: [`device_by_name`] chooses among those that are built in, and [`best_device`]
//! names the best.

mod components;
mod conditions;
pub mod config;
mod convert;
mod drawing;
mod embeddings;
mod error;
mod folder;
mod guidance;
mod image;
mod image_file;
mod index;
mod latents;
mod load;
mod memory;
mod merge;
mod model;
mod noises;
mod number;
mod open;
mod pipeline;
mod plan;
mod precision;
mod request;
mod request_error;
mod sampler;
mod schedule;
mod single_file;
mod summary;
mod text_encoder;
mod text_part;
mod text_to_image;
mod textual_inversion;
mod unconditional;
mod vae;
mod watch;

pub use self::image::Image;
pub use burn::tensor::{Device, Tensor};
pub use components::{Backbone, Components, TextEncoder};
pub use convert::{Layout, Written, convert};
pub use drawing::{Drawing, GeneratedImage};
pub use embeddings::Embeddings;
pub use error::Error;
pub use folder::BuiltIn;
pub use latents::Latents;
pub use memory::MemoryNeed;
pub use model::{Defaults, Model};
pub use pipeline::Pipeline;
pub use plan::{OptionValue, Origin, Plan, Resolved, Sampling, Settings};
pub use request::Request;
pub use request_error::{Field, RequestError};
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
pub use sd_schedule::{NoiseLevels, Prediction, Process};
pub use sd_unet::{AddedConditions, Conditions, Residuals};
pub use sd_vae::Autoencoder;
pub use sd_weights::single_file::WeightSet;
pub use sd_weights::{Destination, Lora, LoraReport, TextualInversion, read_tensor, write_tensor};
pub use single_file::Choices;
pub use summary::{Component, Summary};
pub use watch::{Step, StepEnd};
