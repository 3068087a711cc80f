use std::fmt;
use std::str::FromStr;

use sd_samplers::{Ddim, Ddpm, Plms, Pndm, Sampler};
use sd_schedule::NoiseLevels;

use crate::Error;
use crate::config::SchedulerConfig;

/// The samplers a picture can be drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplerName {
    /// Ancestral sampling (Ho et al. 2020).
    Ddpm,
    /// Denoising diffusion implicit models, with any eta (Song et al. 2021).
    Ddim,
    /// Pseudo linear multistep (Liu et al. 2022, without Runge–Kutta warm-up).
    Plms,
    /// Pseudo numerical methods, with Runge–Kutta warm-up (Liu et al. 2022).
    Pndm,
}

impl SamplerName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ddpm, Self::Ddim, Self::Plms, Self::Pndm];

    /// The sampler and its noise levels, with what the config says and, where it says nothing, with the defaults of the
    /// diffusers class that draws with this sampler.
    pub(crate) fn build(
        self,
        config: &SchedulerConfig,
        steps: usize,
        eta: f64,
    ) -> Result<(Box<dyn Sampler>, NoiseLevels), Error> {
        if !(0.0..=1.0).contains(&eta) {
            return Err(Error::Request(format!("--eta {eta} is not between 0 and 1")));
        }
        if eta > 0.0 && self != Self::Ddim {
            return Err(Error::Request(format!("--eta is an option of the ddim sampler, not of {self}")));
        }
        let schedule = &config.schedule;
        let (sampler, ends_clean): (Box<dyn Sampler>, bool) = match self {
            Self::Ddpm => {
                let variance = config.variance.clone().map_err(|name| {
                    Error::Request(format!(
                        "scheduler_config.json has `variance_type` {name:?}, which --sampler ddpm cannot follow: choose another sampler"
                    ))
                })?;
                let ddpm = Ddpm::new(variance);
                (Box::new(with(ddpm, config.clip, Ddpm::with_clip)), true)
            }
            Self::Ddim => {
                (Box::new(with(Ddim::new(eta), config.clip, Ddim::with_clip)), config.set_alpha_to_one.unwrap_or(true))
            }
            Self::Plms => (Box::new(Plms::new(config.prediction)), config.set_alpha_to_one.unwrap_or(false)),
            Self::Pndm => {
                let pndm = Pndm::new(schedule.clone(), config.prediction);
                (Box::new(pndm), config.set_alpha_to_one.unwrap_or(false))
            }
        };
        let timesteps = config.spacing.timesteps(steps, schedule.len())?;
        let last = if ends_clean { 0.0 } else { schedule.sigma_min() };
        let levels = NoiseLevels::of_timesteps(schedule, &timesteps, last)?;
        let least = sampler.min_steps();
        if levels.steps() < least {
            return Err(Error::Request(format!("--steps {steps}: the {self} sampler needs at least {least}")));
        }
        Ok((sampler, levels))
    }
}

fn with<S>(sampler: S, clip: Option<f64>, with_clip: fn(S, f64) -> S) -> S {
    match clip {
        Some(range) => with_clip(sampler, range),
        None => sampler,
    }
}

impl fmt::Display for SamplerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ddpm => "ddpm",
            Self::Ddim => "ddim",
            Self::Plms => "plms",
            Self::Pndm => "pndm",
        })
    }
}

impl FromStr for SamplerName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|sampler| sampler.to_string() == name).ok_or_else(|| {
            let known: Vec<String> = Self::ALL.iter().map(Self::to_string).collect();
            Error::Request(format!("unknown sampler `{name}`; there are {}", known.join(", ")))
        })
    }
}
