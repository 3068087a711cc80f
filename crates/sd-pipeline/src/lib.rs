#![doc = include_str!("../README.md")]
//!
//! A [`Plan`] is a request with every default filled in. [`Plan::new`] makes it before any weights are read, and
//! [`Pipeline::drawing`] draws it. A [`Drawing`] reports every network call and every step, can be cancelled at each, and
//! accepts your own noise, sampler or embeddings:
//!
//! ```no_run
//! # use sd_pipeline::{DType, Device, Error, Pipeline, Request, TorchNoise};
//! # let pipeline = Pipeline::open("model", &Device::flex(), DType::F32)?;
//! use std::ops::ControlFlow;
//!
//! let plan = pipeline.plan(&Request { steps: Some(20), ..Request::new("a lighthouse at dusk") })?;
//! println!("{plan}"); // every value, and where it came from
//! let watch = &mut |step: &sd_pipeline::Step| {
//!     println!("{}/{} at noise level {:.2}", step.call, step.calls, step.sigma); // and step.denoised
//!     ControlFlow::Continue(())
//! };
//! let drawn = pipeline.drawing(&plan).noise(&mut TorchNoise::new(7)).watch(watch).run()?;
//! # Ok::<(), Error>(())
//! ```
//!
//! You can also use the parts on their own. [`Pipeline::encode_prompts`] turns prompts into [`Embeddings`], and
//! [`Pipeline::encode`] turns images into [`Latents`]. [`Components`] are the networks behind small traits, which you can
//! share, use alone or replace.
//!
//! The original diffusion models draw in pixels and read no text. For them, use the default [`Request`]:
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
//! Each backend is a feature, as in [`sd_device`]. [`device_by_name`] chooses among the enabled ones, and [`best_device`]
//! names the best.

mod arithmetic;
mod control;
mod drawing;
mod edit;
mod error;
mod guided;
mod image_tensor;
mod interpolation;
mod inversion;
mod latents;
mod networks;
mod noises;
mod number;
mod pipeline;
mod plan;
mod preview;
mod region;
mod request;
mod reuse;
mod schedule;
mod sizes;
mod start;
mod watch;

pub use arithmetic::Arithmetic;
pub use burn::tensor::{Device, Tensor};
pub use control::{ControlImage, ControlMode, Hint, ImageLayers, ImagePrompt, PlannedImagePrompt};
pub use drawing::{Drawing, GeneratedImage};
pub use edit::{Fill, Hires, Init, Inpaint, Outpaint, Overlay, Seamless, Upscaler, Variation};
pub use error::Error;
pub use image_tensor::{images_from_tensor, images_to_tensor};
pub use inversion::Inversion;
pub use latents::Latents;
pub use pipeline::Pipeline;
pub use plan::{GuidanceOptions, OptionValue, Origin, Plan, Resolved, Sampling, Settings};
pub use preview::Preview;
pub use region::{Area, RegionalPrompt};
pub use request::Request;
pub use reuse::{DeepCache, DeepCacheError, Fast, Reuse, Uneven};
pub use schedule::Schedule;
pub use sd_device::{
    DType, DeviceError, DeviceInfo, DeviceKind, best_device, device_by_name, device_info, device_names, devices,
    is_processor,
};
pub use sd_guidance::{Apg, Guidance, Interval, ScaleSchedule, Threshold};
pub use sd_image::{Filter, Fit, Image, ImageError, Mask, Region};
pub use sd_model::{
    Backbone, BlockKind, BuiltIn, Choices, Component, Components, Control, ControlFile, ControlKind, ControlLayout,
    ControlSummary, Defaults, Description, Distillation, Embeddings, Evidence, ExtraInput, FewSteps, Field, Form,
    ImageAdapter, ImageAdapterFile, ImageAdapterKind, ImageAdapterSummary, ImageEncoderSummary, ImageTokens, Layout,
    Lora, LoraReport, Memory, MemoryNeed, Model, ModelError, Products, RequestError, SamplerName, Summary, TextEncoder,
    TextualInversion, Timesteps, Token, WeightSet, Workload, Written, convert, describe,
};
#[cfg(feature = "flex")]
pub use sd_ops::{Vectors, VectorsError, vectors};
pub use sd_ops::{int8_instructions, keep_memory, one_heap};
pub use sd_preprocess::Preprocessor;
pub use sd_prompt::{Prompt, Syntax, Text};
pub use sd_samplers::{
    BrownianNoise, CATALOGUE, Convention, FreshNoise, Noise, OptionRange, SamplerOption, TorchNoise, Variance,
};
pub use sd_schedule::{NoiseLevels, Prediction, Process};
pub use sd_unet::{AddedConditions, Conditions, FreeU, Kept, Recall, Residuals};
pub use sd_vae::Autoencoder;
pub use sd_weights::{Destination, WeightsError, read_tensor, write_tensor};
pub use sizes::Sizes;
pub use watch::{Step, StepEnd};
