#![doc = include_str!("../README.md")]
//!
//! Any network becomes a [`Denoiser`] through [`Network`].
//!
//! [`CATALOGUE`] has every sampler by name, with its order, its options and its source. [`State`] is an image on its
//! way: it can be driven by hand, saved in the middle and gone on with. Noise comes from a [`Noise`]: [`TorchNoise`] for
//! the images that PyTorch programs draw from a seed, [`BrownianNoise`] for the solvers of stochastic equations.
//!
//! Images are kept in variance-exploding form, `x = x0 + sigma·eps`. There DDIM is Euler's method, its `eta` is the
//! ancestral step, and no sampler needs to know what the network predicts, how it is guided or what a timestep is.

mod catalogue;
mod denoiser;
mod history;
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
pub use denoiser::{DenoiseError, Denoiser};
pub use history::{Evaluated, History};
pub use methods::*;
pub use network::Network;
pub use noise::{BrownianNoise, Noise, TorchNoise};
pub use rules::churn::Churn;
pub use sample::{sample, sample_with};
pub use sampler::{Sampler, StepContext};
pub use state::{SavedState, State};
