//! Diffusion samplers: one small step rule each, and the one loop that drives them.
//!
//! A sampler knows no network. It sees a [`Denoiser`], which answers one question: what does the clean picture look
//! like, given the noisy `x` at noise level `sigma`? Any network becomes one through [`Network`].
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use sd_samplers::{Ddim, Noise, Stop, TorchNoise, sample};
//! use sd_schedule::NoiseLevels;
//!
//! // Pictures of the constant 3 with a spread of 0.5: the exact denoiser is known.
//! let mut model = |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, Stop> {
//!     let (s2, n2) = (0.25, sigma * sigma);
//!     Ok((x * s2 + 3.0 * n2) / (s2 + n2))
//! };
//! let levels = NoiseLevels::new((0..=100).rev().map(|i| 0.1 * f64::from(i)).collect())?;
//! let mut noise = TorchNoise::new(42);
//! let x = noise.draw(&Tensor::zeros([1, 1, 8, 8], &Device::flex())) * levels.first();
//!
//! let picture = sample(Ddim::new(0.0), &mut model, &mut noise, x, &levels).expect("this denoiser does not fail");
//! assert!((picture.mean().into_scalar::<f32>() - 3.0).abs() < 0.2);
//! # Ok::<(), sd_schedule::ScheduleError>(())
//! ```
//!
//! Pictures are kept in variance-exploding form, `x = x0 + sigma·eps`. There DDIM is Euler's method, its `eta` is the
//! ancestral step, and no sampler needs to know what the network predicts, how it is guided or what a timestep is.

mod adams_bashforth;
mod ddim;
mod ddpm;
mod denoiser;
mod network;
mod noise;
mod plms;
mod pndm;
mod sampler;
mod transfer;

pub use ddim::Ddim;
pub use ddpm::{Ddpm, Variance};
pub use denoiser::{Denoiser, Stop};
pub use network::Network;
pub use noise::{Noise, TorchNoise};
pub use plms::Plms;
pub use pndm::Pndm;
pub use sampler::{Sampler, sample};
