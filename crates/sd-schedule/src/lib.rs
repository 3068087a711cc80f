#![doc = include_str!("../README.md")]
//!
//! # Contents
//!
//! - [`BetaSchedule`] makes the variances of a training. [`NoiseSchedule`] derives the noise levels from these or from your
//!   own betas, as trained or [with zero terminal SNR](NoiseSchedule::with_zero_terminal_snr).
//! - [`Spacing`] picks timesteps of the training, and [`NoiseLevels::of_timesteps`] returns their levels.
//! - [`Grid`] lays out levels without timesteps. [`NoiseLevels::new`] takes your own list.
//! - [`Process`] connects noise levels to the network: the time it receives, the scale of its input, and the meaning of its
//!   output ([`Prediction`]). It is variance-preserving diffusion, rectified [`Flow`], or [`Edm`].
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
//! A diffusion model adds Gaussian noise to an image `x0`. In variance-preserving form (Ho et al. 2020), the noisy
//! image is `sqrt(alpha_bar)·x0 + sqrt(1 − alpha_bar)·eps`. Divided by `sqrt(alpha_bar)`, it takes the
//! variance-exploding form `x = x0 + sigma·eps` with `sigma² = (1 − alpha_bar)/alpha_bar` (Karras et al. 2022). This
//! crate measures noise in `sigma` and keeps the training's `alpha_bar` table and its timesteps `t` behind
//! [`NoiseSchedule`].
//!
//! Everything here can be computed before any tensor exists.
//!
//! # Where the references differ
//!
//! The tests compare this crate with diffusers 0.42.1, k-diffusion 0.1.1 and ComfyUI, whose code runs in 64 bits for the
//! comparison; they agree to 1e-11. Figures below are for Stable Diffusion's schedule.
//!
//! | Subject | References | This crate |
//! |---|---|---|
//! | Precision | 32 bits. Computing `1 − alpha_bar` gives the smallest level a relative error of 1.3e-5 (8.3e-5 with the betas of DDPM). With zero terminal SNR, the last `alpha_bar` but one has a relative error of 3.8e-5 | 64 bits |
//! | [`Leading`](Spacing::Leading) with offset 1, 1000 steps (999 [`without_last`](Spacing::without_last)) | They visit timestep 1000: diffusers' DDIM fails with an index error, and its Euler and DPM-Solver go from timestep 999 to 999 | The offset becomes 0, and every timestep is visited once |
//! | 1000 steps of diffusers' multistep solvers | Leading spacing repeats the offset 1000 times. Linspace visits timestep 500 twice and 0 never | Every timestep once |
//! | [`Trailing`](Spacing::Trailing) | 62 of the first 1000 step counts (61, 103, 121, …) give one step too many, at timestep -1, where diffusers' DDIM multiplies the image by 14.6 | As many steps as requested |
//! | Ends of Karras, exponential and beta levels | diffusers' Euler, Heun, LMS and KDPM2 use the ends of the spaced timesteps: 11.48 to 0.041 for 30 leading steps, and 0.029 for one linspace step. Its multistep solvers and k-diffusion use the ends of the training | The ends of the training, 14.61 to 0.029 |
//! | Last level | diffusers' DEIS and SA-Solver end at 0.029. With Karras levels they repeat it, which makes a step of length 0 | The `last` of [`NoiseLevels::of_timesteps`]; 0 for a [`Grid`] |
//! | Timesteps of Karras levels | diffusers' multistep solvers and KDPM2 round the timestep that the network receives | [`NoiseSchedule::t`] does not round |
//! | Beta sampling | diffusers and AUTOMATIC1111 space levels; the paper and ComfyUI space timesteps | [`Grid::BetaSigmas`], [`Grid::Beta`] |
//! | [`Grid::Beta`] | ComfyUI drops timesteps that rounding makes equal: fewer steps for a count of 139 and most counts above, 847 for 1000 | As many steps as requested, then not rounded |
//! | [`Grid::KlOptimal`] | ComfyUI computes 0/0 for one step. AUTOMATIC1111 makes `steps + 1` levels that end at 0.029 instead of 0; the second of 10 steps is at 4.57 | One step starts at 14.61; the second of 10 steps is at 4.23 |
//! | [`Grid::AysSdxl`], [`Grid::AysSd1`] | ComfyUI's table has more digits and differs from the published one by up to 1.4 %. AUTOMATIC1111 interpolates `steps` levels and appends 0; the second of 10 steps is at 6.11 | The published table; the second of 10 steps is at 6.475 |
//! | Last `alpha_bar` with zero terminal SNR | 2⁻²⁴ in diffusers' Euler, DPM-Solver and UniPC; 0 in its DDIM and LCM; 4.9e-8 (level 4519) in ComfyUI and AUTOMATIC1111 | 2⁻²⁴ (level 4096) |
//! | The same with the linear betas of DDPM | diffusers' Euler uses 2⁻²⁴ again, so levels fall from 15 400 at timestep 998 to 4096 at 999 | Levels keep rising, to 1.6e7 at timestep 999 |
//! | One exponential step of EDM | diffusers begins at the smallest level | The largest level |

mod ays;
mod betas;
mod edm;
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
pub use edm::{Edm, Ramp};
pub use error::ScheduleError;
pub use flow::Flow;
pub use grid::Grid;
pub use levels::NoiseLevels;
pub use prediction::{Prediction, input_scale};
pub use process::{Preconditioning, Process};
pub use schedule::NoiseSchedule;
pub use spacing::Spacing;
