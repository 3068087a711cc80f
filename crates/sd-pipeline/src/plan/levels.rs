use sd_samplers::{Convention, SamplerInfo};
use sd_schedule::{Grid, NoiseLevels, Prediction, Spacing};

use super::origin::{Origin, Resolved};
use crate::config::SchedulerConfig;
use crate::schedule::{in_list, listed};
use crate::{Error, Schedule};

/// Which noise levels are visited, and what the noise at the first is like.
///
/// Mathematics leaves this open; a seed means the same image as elsewhere only if it is done as elsewhere. What
/// neither the request nor the model's config says is the default of the class that the sampler's [`Convention`] names.
#[derive(Debug)]
pub(super) struct Levels {
    pub levels: Resolved<NoiseLevels>,
    /// Standard deviation of the noise that the image starts from.
    pub start_std: f64,
    /// Whether the network is called at whole timesteps only.
    pub whole_timesteps: bool,
}

impl Levels {
    pub fn resolve(
        entry: &SamplerInfo,
        config: &SchedulerConfig,
        asked: Option<&Schedule>,
        is_xl: bool,
        steps: usize,
    ) -> Result<Self, Error> {
        if let Some(listed) = asked.and_then(Schedule::steps).filter(|listed| *listed != steps) {
            return Err(Error::Request(format!("--steps {steps}, but --schedule lists {listed}: leave --steps out")));
        }
        if let Some(option) = config.not_followed.as_ref().filter(|_| is_solver(entry)) {
            return Err(Error::Request(format!(
                "scheduler_config.json has {option}, which --sampler {} cannot follow: choose ddim, plms or ddpm, or \
                 take it out",
                entry.name
            )));
        }
        let spacing = asked.and_then(|asked| asked.spacing(config.steps_offset));
        let spacing = spacing.unwrap_or_else(|| default_spacing(entry, config));
        let of_config = config.grid.filter(|_| reads_grid(entry)).map(Schedule::Grid);
        let origin = match asked {
            Some(_) => Origin::Request,
            None if of_config.is_some() || reads_spacing(entry) && config.spacing.is_some() => Origin::Config,
            None => Origin::Class(entry.convention),
        };
        let levels = match asked.or(of_config.as_ref()) {
            Some(Schedule::Grid(grid)) => grid.levels(&config.schedule, steps)?,
            Some(Schedule::Ays) if is_xl => Grid::AysSdxl.levels(&config.schedule, steps)?,
            Some(Schedule::Ays) => Grid::AysSd1.levels(&config.schedule, steps)?,
            Some(Schedule::Sigmas(sigmas)) => listed(sigmas)?,
            Some(Schedule::Timesteps(timesteps)) => {
                NoiseLevels::of_timesteps(&config.schedule, timesteps, last(entry, config)).map_err(in_list)?
            }
            Some(Schedule::Leading | Schedule::Linspace | Schedule::Trailing) | None => {
                let timesteps = match entry.convention {
                    Convention::KDiffusion => spacing.fractional(steps, config.schedule.len()),
                    Convention::DpmSolver | Convention::Deis => spacing.without_last(steps, config.schedule.len()),
                    _ => spacing.timesteps(steps, config.schedule.len()),
                };
                NoiseLevels::of_timesteps(&config.schedule, &timesteps?, last(entry, config))?
            }
        };
        let first = levels.first();
        if config.prediction == Prediction::Eps && config.schedule.has_zero_terminal_snr() && first > LARGEST {
            return Err(Error::Request(
                "this model's noise schedule ends in pure noise (`rescale_betas_zero_snr`), where a network that \
                 predicts noise (`prediction_type` \"epsilon\") has nothing to go by: use --schedule leading"
                    .into(),
            ));
        }
        // Noisy images of unit variance have the standard deviation sqrt(1 + sigma²); k-diffusion starts from sigma alone.
        let at_sigma = entry.convention == Convention::KDiffusion && !matches!(spacing, Spacing::Leading { .. });
        let start_std = if at_sigma { first } else { first.hypot(1.0) };
        let levels = Resolved::new(levels, origin);
        Ok(Self { levels, start_std, whole_timesteps: entry.convention.is_multistep() })
    }
}

/// Above the noisiest level of any schedule that still holds something of the image, and below that of pure noise.
const LARGEST: f64 = 1000.0;

fn default_spacing(entry: &SamplerInfo, config: &SchedulerConfig) -> Spacing {
    match entry.convention {
        // Consistency models are distilled on some of the timesteps, whatever the config's spacing.
        Convention::Lcm | Convention::Tcd => Spacing::Lcm { original_steps: config.original_inference_steps },
        Convention::KDiffusion | Convention::DpmSolver | Convention::Deis => {
            config.spacing.unwrap_or(Spacing::Linspace)
        }
        Convention::Ddpm | Convention::Ddim | Convention::Pndm => {
            config.spacing.unwrap_or(Spacing::Leading { offset: config.steps_offset })
        }
    }
}

/// Where the last step goes.
fn last(entry: &SamplerInfo, config: &SchedulerConfig) -> f64 {
    let ends_clean = match entry.convention {
        Convention::Ddpm | Convention::Lcm => true,
        Convention::Ddim => config.set_alpha_to_one.unwrap_or(true),
        Convention::Pndm => config.set_alpha_to_one.unwrap_or(false),
        Convention::KDiffusion | Convention::DpmSolver => !config.final_sigma_min,
        Convention::Deis | Convention::Tcd => false,
    };
    if ends_clean { 0.0 } else { config.schedule.sigma_min() }
}

/// Whether the config's `timestep_spacing` is followed.
fn reads_spacing(entry: &SamplerInfo) -> bool {
    !matches!(entry.convention, Convention::Lcm | Convention::Tcd)
}

/// Whether the sampler's class knows `use_karras_sigmas` and the like.
fn reads_grid(entry: &SamplerInfo) -> bool {
    is_solver(entry) && entry.name != "euler-a"
}

fn is_solver(entry: &SamplerInfo) -> bool {
    entry.convention == Convention::KDiffusion || entry.convention.is_multistep()
}
