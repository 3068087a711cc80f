#![doc = include_str!("../README.md")]
//!
//! A network's best prediction is the mean of all clean images behind a noisy one. For [`Gaussian`] data, or a [`Mixture`]
//! of Gaussians, a formula gives this mean. Another gives the distribution of the data at every noise level, and the path
//! of an image between two levels is known to 1e-11. So any remaining error is the sampler's own:
//!
//! - a deterministic sampler has an [`error`], which falls with the number of steps as fast as its [`order`] says;
//! - a stochastic sampler turns a Gaussian into a Gaussian, which [`Affine`] computes without any random number, and
//!   [`Gaussian::frechet`] gives its distance from the truth.
//!
//! Images are `[1, 1, coordinates, images]`, see [`images`]. Everything is computed in `f64`.

mod affine;
mod ancestral;
mod convergence;
mod gaussian;
mod layout;
mod levels;
mod mixture;
mod probes;

pub use affine::Affine;
pub use ancestral::Ancestral;
pub use convergence::{error, order};
pub use gaussian::Gaussian;
pub use layout::{images, points};
pub use levels::{evenly_in_t, stable_diffusion};
pub use mixture::{Component, Mixture};
