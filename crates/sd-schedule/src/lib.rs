//! Noise schedules of diffusion models in plain `f64` numbers.
//!
//! ```
//! use sd_schedule::{BetaSchedule, NoiseLevels, NoiseSchedule, Spacing};
//!
//! // The schedule of Stable Diffusion 1.x and ten of its thousand steps.
//! let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012)?;
//! let schedule = NoiseSchedule::from_betas(&betas)?;
//! let timesteps = Spacing::Leading { offset: 1 }.timesteps(10, schedule.len())?;
//! let levels = NoiseLevels::of_timesteps(&schedule, &timesteps, schedule.sigma_min())?;
//!
//! assert_eq!(timesteps[0], 901);
//! assert_eq!(levels.pairs().count(), 10);
//! assert!((levels.first() - schedule.sigma(901.0)).abs() < 1e-12);
//! # Ok::<(), sd_schedule::ScheduleError>(())
//! ```
//!
//! # The maths
//!
//! A diffusion model adds Gaussian noise to a picture `x0`. Written variance-preserving (Ho et al. 2020), the noisy
//! picture is `sqrt(alpha_bar)·x0 + sqrt(1 − alpha_bar)·eps`; divided by `sqrt(alpha_bar)` it becomes
//! variance-exploding, `x = x0 + sigma·eps` with `sigma² = (1 − alpha_bar)/alpha_bar` (Karras et al. 2022). This
//! crate counts noise in `sigma` and keeps the training's `alpha_bar` table and its timesteps `t` behind
//! [`NoiseSchedule`]; [`Prediction`] says what a network's output means.
//!
//! Everything here is a number known before a tensor exists. There are no dependencies but the error macro.

mod betas;
mod error;
mod levels;
mod prediction;
mod schedule;
mod spacing;

pub use betas::BetaSchedule;
pub use error::ScheduleError;
pub use levels::NoiseLevels;
pub use prediction::{Prediction, input_scale};
pub use schedule::NoiseSchedule;
pub use spacing::Spacing;
