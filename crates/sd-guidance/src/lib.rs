#![doc = include_str!("../README.md")]
//!
//! # Calls of the network
//!
//! Every prediction is a row of the network's batch. What each kind of guidance adds to the prompt's own row of an image, at the steps where
//! it is on:
//!
//! | guidance | rows more | call more |
//! |---|---|---|
//! | classifier-free, its schedule, CFG++, adaptive projection, thresholding, rescaling | 1, for all of them together | |
//! | of an image (InstructPix2Pix) | 1 with the negative prompt's | |
//! | `AND` with `n` parts | `n − 1`, and the negative prompt's | |
//! | `n` regions | `n` | |
//! | perpendicular negative prompt | 1 with the negative prompt's | |
//! | perturbed attention | 1 | of its own, where the network is perturbed for a whole batch |
//! | self-attention | 1 | after the others, as its input depends on them |
//!
//! Steps outside the interval, and steps whose scale is 1 or below, need only the prompt's row. [`Guidance::roles`] says it for each step.

mod apg;
mod check;
mod coefficients;
mod combine;
mod composition;
mod degrade;
mod guidance;
mod perpendicular;
mod products;
mod quantile;
mod regions;
mod rescale;
mod role;
mod schedule;
mod step;
mod threshold;

pub use apg::{Apg, GuidanceState};
pub use check::GuidanceError;
pub use coefficients::Coefficients;
pub use composition::{Part, is_composed};
pub use degrade::degrade;
pub use guidance::Guidance;
pub use regions::{Region, blend};
pub use role::{Predictions, Role};
pub use schedule::{ScaleSchedule, ScaleScheduleError};
pub use step::{Interval, Step};
pub use threshold::Threshold;
