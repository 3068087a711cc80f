#![doc = include_str!("../README.md")]
//!
//! # What there is
//!
//! - [`BetaSchedule`] makes the variances of a training, [`NoiseSchedule`] what follows from them, as trained or
//!   [with zero terminal SNR](NoiseSchedule::with_zero_terminal_snr). A table of betas of one's own goes into
//!   [`NoiseSchedule::from_betas`].
//! - [`Spacing`] picks timesteps of the training, [`NoiseLevels::of_timesteps`] gives their levels.
//! - [`Grid`] lays out levels without timesteps; a list of one's own goes into [`NoiseLevels::new`].
//! - [`Process`] is what lies between a noise level and the network: its time, the scale of its input, and what its output means
//!   ([`Prediction`]). It is variance-preserving diffusion, or rectified [`Flow`].
//!
//! ```
//! # use sd_schedule::{BetaSchedule, Grid, NoiseSchedule};
//! # let betas = BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012)?;
//! # let schedule = NoiseSchedule::from_betas(&betas)?;
//! let levels = Grid::Karras { rho: 7.0 }.levels(&schedule, 10)?;
//!
//! assert_eq!(levels.steps(), 10);
//! assert!((levels.first() - 14.6146).abs() < 1e-4);
//! for (sigma, next) in levels.pairs() {
//!     println!("at timestep {:.1}, from {sigma:.3} to {next:.3}", schedule.t(sigma));
//! }
//! # Ok::<(), sd_schedule::ScheduleError>(())
//! ```
//!
//! # The maths
//!
//! A diffusion model adds Gaussian noise to an image `x0`. Written variance-preserving (Ho et al. 2020), the noisy
//! image is `sqrt(alpha_bar)·x0 + sqrt(1 − alpha_bar)·eps`; divided by `sqrt(alpha_bar)` it becomes
//! variance-exploding, `x = x0 + sigma·eps` with `sigma² = (1 − alpha_bar)/alpha_bar` (Karras et al. 2022). This
//! crate counts noise in `sigma` and keeps the training's `alpha_bar` table and its timesteps `t` behind
//! [`NoiseSchedule`].
//!
//! Everything here is a number known before a tensor exists.
//!
//! # Where the references differ
//!
//! The tests compare with diffusers 0.42.1, k-diffusion 0.1.1 and ComfyUI, whose code is made to calculate in 64 bits
//! for it, and agree to 1e-11. Numbers below are of Stable Diffusion's schedule.
//!
//! | What | There | Here |
//! |---|---|---|
//! | Precision | 32 bits: `1 − alpha_bar` puts the smallest level off by 1.3e-5 of itself (8.3e-5 with the betas of DDPM); with zero terminal SNR, `alpha_bar` next to the end by 3.8e-5 | 64 bits |
//! | [`Leading`](Spacing::Leading) with offset 1, 1000 steps (999 [`without_last`](Spacing::without_last)) | timestep 1000: diffusers' DDIM fails with an index error, Euler and DPM-Solver go from timestep 999 to 999 | offset 0, every timestep once |
//! | 1000 steps of diffusers' multistep solvers | leading: the offset 1000 times; linspace: timestep 500 twice and 0 never | every timestep once |
//! | [`Trailing`](Spacing::Trailing) | for 62 of the first 1000 counts (61, 103, 121, …) a step too many, at timestep -1, where diffusers' DDIM multiplies the image by 14.6 | as many as asked for |
//! | Ends of Karras, exponential and beta levels | diffusers' Euler, Heun, LMS and KDPM2: the ends of the spaced timesteps, 11.48 to 0.041 for 30 leading steps, and 0.029 for one linspace step; its multistep solvers and k-diffusion: of the training | of the training, 14.61 to 0.029 |
//! | Last level | diffusers' DEIS and SA-Solver: 0.029, and for Karras levels twice, a step of length 0 | the `last` of [`NoiseLevels::of_timesteps`]; 0 for a [`Grid`] |
//! | Timesteps of Karras levels | diffusers' multistep solvers and KDPM2 round what the network is given | [`NoiseSchedule::t`] does not round |
//! | Beta sampling | diffusers and AUTOMATIC1111 space levels, the paper and ComfyUI timesteps | [`Grid::BetaSigmas`], [`Grid::Beta`] |
//! | [`Grid::Beta`] | ComfyUI drops timesteps that rounding makes equal: fewer steps for 139 and most counts above, 847 for 1000 | as many as asked for, not rounded then |
//! | [`Grid::KlOptimal`] | ComfyUI: 0/0 for one step. AUTOMATIC1111: `steps + 1` levels that end at 0.029 instead of 0, the second of 10 steps 4.57 | one step from 14.61; the second of 10 steps 4.23 |
//! | [`Grid::AysSdxl`], [`Grid::AysSd1`] | ComfyUI: a table of more digits, up to 1.4 % beside the published one. AUTOMATIC1111: `steps` levels interpolated and 0 appended, the second of 10 steps 6.11 | the published table; the second of 10 steps 6.475 |
//! | Last `alpha_bar` with zero terminal SNR | 2⁻²⁴ in diffusers' Euler, DPM-Solver and UniPC, 0 in its DDIM and LCM, 4.9e-8 (level 4519) in ComfyUI and AUTOMATIC1111 | 2⁻²⁴ (level 4096) |
//! | The same with the linear betas of DDPM | diffusers' Euler: 2⁻²⁴ again, so that levels fall from 15 400 at 998 to 4096 at 999 | levels rise: 1.6e7 at 999 |

mod ays;
mod betas;
mod error;
mod flow;
mod grid;
mod levels;
mod linspace;
mod prediction;
mod process;
mod quantiles;
mod schedule;
mod spacing;
mod zero_snr;

pub use betas::BetaSchedule;
pub use error::ScheduleError;
pub use flow::Flow;
pub use grid::Grid;
pub use levels::NoiseLevels;
pub use prediction::{Prediction, input_scale};
pub use process::Process;
pub use schedule::NoiseSchedule;
pub use spacing::Spacing;
