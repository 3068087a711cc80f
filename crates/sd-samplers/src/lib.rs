#![doc = include_str!("../README.md")]
//!
//! Any network becomes a [`Denoiser`] through [`Network`].
//!
//! [`CATALOGUE`] lists every sampler by name, with its order, its options and its source. [`State`] is an image during
//! sampling: you can step it yourself, save it midway and resume it. Noise comes from a [`Noise`]: [`TorchNoise`] for
//! the images that PyTorch programs draw from a seed, [`BrownianNoise`] for the solvers of stochastic equations. [`slerp`] and [`vary`] give noise
//! between two noises, and [`invert`] finds the noise of an image.
//!
//! Images are in variance-exploding form, `x = x0 + sigma·eps`. In this form DDIM is Euler's method and its `eta` is the
//! ancestral step. No sampler needs to know what the network predicts, how it is guided or what a timestep is.

mod catalogue;
mod denoiser;
mod history;
mod invert;
mod methods;
mod network;
mod noise;
mod rules;
mod sample;
mod sampler;
mod state;

pub use catalogue::{
    CATALOGUE, Convention, FreshNoise, LevelOptions, Levels, OptionError, OptionRange, SamplerInfo, SamplerOption,
    SamplerSettings,
};
pub use denoiser::{DenoiseError, Denoiser, Estimate};
pub use history::{Evaluated, History};
pub use invert::invert;
pub use methods::*;
pub use network::{Network, halves};
pub use noise::{BrownianNoise, Noise, TorchNoise, slerp, vary};
pub use rules::churn::Churn;
pub use sample::{sample, sample_steps, sample_with};
pub use sampler::{Sampler, StepContext};
pub use state::{SavedState, State};
