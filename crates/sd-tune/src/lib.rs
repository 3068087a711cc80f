#![doc = include_str!("../README.md")]
//!
//! # How it searches
//!
//! [`fewest_errors`] picks levels along trajectories that were drawn with many steps, so that the errors of single steps add up
//! to least: dynamic programming, as GITS (Chen et al. 2024). It takes no network calls, but knows only steps of Euler's method,
//! and adds errors where a walk amplifies and cancels them.
//!
//! [`Tuning`] begins with these levels and with the usual ones, for one sampler or for several, and minimises the error at the end
//! of the walk by the method of Levenberg and Marquardt ([`LeastSquares`]): there are few unknowns, one for each level and weight, and
//! many residuals, so a Jacobian by differences takes one walk for each unknown. This needs no gradients of the network. Many
//! beginnings end in a poor minimum, so all are searched for a while, and the worse half is dropped again and again (successive
//! halving, Jamieson & Talwalkar 2016).
//!
//! [`TunedSchedule`] is the result as a file.

mod dynamic;
mod error;
mod file;
mod least_squares;
mod steps;
mod tuning;

pub use dynamic::{Trajectory, fewest_errors};
pub use error::TuneError;
pub use file::{Errors, TunedSchedule};
pub use least_squares::LeastSquares;
pub use steps::Steps;
pub use tuning::{Found, Settings, Tuning};
