#![doc = include_str!("../README.md")]
//!
//! Any network becomes a [`Denoiser`] through [`Network`].
//!
//! [`CATALOGUE`] has every sampler by name, with its order, its options and its source. [`State`] is a picture on its
//! way: it can be driven by hand, saved in the middle and gone on with. Noise comes from a [`Noise`]: [`TorchNoise`] for
//! the pictures that PyTorch programs draw from a seed, [`BrownianNoise`] for the solvers of stochastic equations.
//!
//! Pictures are kept in variance-exploding form, `x = x0 + sigma·eps`. There DDIM is Euler's method, its `eta` is the
//! ancestral step, and no sampler needs to know what the network predicts, how it is guided or what a timestep is.

mod adams_bashforth;
mod catalogue;
mod churn;
mod ddim;
mod ddpm;
mod deis;
mod denoiser;
mod dpm2;
mod dpm2_ancestral;
mod dpmpp_2m;
mod dpmpp_2m_sde;
mod dpmpp_2s_ancestral;
mod dpmpp_3m_sde;
mod dpmpp_sde;
mod entry;
mod euler;
mod euler_ancestral;
mod exponential_weights;
mod heun;
mod history;
mod ipndm;
mod lcm;
mod lms;
mod network;
mod noise;
mod options;
mod plms;
mod pndm;
mod restart;
mod sa_solver;
mod sampler;
mod slopes;
mod spndm;
mod state;
mod tcd;
mod transfer;
mod unipc;

pub use catalogue::CATALOGUE;
pub use churn::Churn;
pub use ddim::Ddim;
pub use ddpm::{Ddpm, Variance};
pub use deis::Deis;
pub use denoiser::{Denoiser, Stop};
pub use dpm2::Dpm2;
pub use dpm2_ancestral::Dpm2Ancestral;
pub use dpmpp_2m::Dpmpp2m;
pub use dpmpp_2m_sde::Dpmpp2mSde;
pub use dpmpp_2s_ancestral::Dpmpp2sAncestral;
pub use dpmpp_3m_sde::Dpmpp3mSde;
pub use dpmpp_sde::DpmppSde;
pub use entry::{Convention, Entry, FreshNoise};
pub use euler::Euler;
pub use euler_ancestral::EulerAncestral;
pub use heun::Heun;
pub use history::{History, Seen};
pub use ipndm::Ipndm;
pub use lcm::Lcm;
pub use lms::Lms;
pub use network::Network;
pub use noise::{BrownianNoise, Noise, TorchNoise};
pub use options::{OptionError, OptionRange, SamplerOption, Setting};
pub use plms::Plms;
pub use pndm::Pndm;
pub use restart::Restart;
pub use sa_solver::SaSolver;
pub use sampler::{Run, Sampler, sample};
pub use spndm::Spndm;
pub use state::{SavedState, State};
pub use tcd::Tcd;
pub use unipc::{BFunction, UniPc};
