#![doc = include_str!("../README.md")]
//!
//! A network's best answer is the mean of all clean images that the noisy one may have come from. For data that is
//! [`Gaussian`], or a [`Mixture`] of Gaussians, that mean is a formula. The distribution of the data at every noise
//! level is one too, and the path of an image between two levels is known to 1e-11. What a sampler still gets
//! wrong there is its own error:
//!
//! - a deterministic one has an [`error`], which falls with the number of steps as fast as its [`order`] says;
//! - a stochastic one turns a Gaussian into a Gaussian, which [`Affine`] finds without drawing a single number, and
//!   [`Gaussian::frechet`] says how far that is from the truth.
//!
//! Images are `[1, 1, coordinates, images]`, see [`images`]. Everything is computed in `f64`.

mod affine;
mod convergence;
mod gaussian;
mod layout;
mod levels;
mod mixture;
mod probes;

pub use affine::Affine;
pub use convergence::{error, order};
pub use gaussian::Gaussian;
pub use layout::{images, points};
pub use levels::{evenly_in_t, stable_diffusion};
pub use mixture::{Component, Mixture};
