use std::fmt;
use std::ops::RangeInclusive;

use sd_schedule::{Prediction, Process};
use serde::{Deserialize, Serialize};

use crate::Variance;

/// A number that some samplers can be given, under the name it has in their papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SamplerOption {
    /// Share of fresh noise in each step (Song et al. 2021, equation 16).
    Eta,
    /// Noise added before each step (Karras et al. 2022, algorithm 2).
    SChurn,
    /// The lowest noise level that is churned.
    STmin,
    /// The highest noise level that is churned.
    STmax,
    /// Factor on the standard deviation of fresh noise.
    SNoise,
    /// Order of a multistep method.
    Order,
    /// Strength of the noise of SA-Solver (Xue et al. 2023).
    Tau,
    /// How far a TCD step overshoots before noise is added (Zheng et al. 2024).
    Gamma,
}

impl SamplerOption {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Eta, Self::SChurn, Self::STmin, Self::STmax, Self::SNoise, Self::Order, Self::Tau, Self::Gamma];
}

/// As a flag has it: `eta`, `s-churn`, …
impl fmt::Display for SamplerOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eta => "eta",
            Self::SChurn => "s-churn",
            Self::STmin => "s-tmin",
            Self::STmax => "s-tmax",
            Self::SNoise => "s-noise",
            Self::Order => "order",
            Self::Tau => "tau",
            Self::Gamma => "gamma",
        })
    }
}

/// An option that a sampler has.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionRange {
    /// Which.
    pub option: SamplerOption,
    /// What it is where it is not given.
    pub default: f64,
    /// The smallest and the largest it can be.
    pub range: RangeInclusive<f64>,
}

impl OptionRange {
    pub(crate) const fn new(option: SamplerOption, default: f64, smallest: f64, largest: f64) -> Self {
        Self { option, default, range: smallest..=largest }
    }

    fn holds(&self, value: f64) -> bool {
        self.range.contains(&value) && (self.option != SamplerOption::Order || value.fract() == 0.0)
    }
}

/// What a sampler of the catalogue is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplerSettings {
    /// How the network was trained.
    pub process: Process,
    /// What PLMS, PNDM and their like blend; see [`Plms`](crate::Plms).
    pub blended: Prediction,
    /// The variance of DDPM's noise.
    pub variance: Variance,
    /// The range in which DDPM and DDIM hold denoised images.
    pub clip: Option<f64>,
    /// Options that were given.
    pub options: Vec<(SamplerOption, f64)>,
}

impl SamplerSettings {
    /// The settings for a process, or for a schedule: nothing clipped, the small variance, `eps` blended, every option at its
    /// default.
    pub fn new(process: impl Into<Process>) -> Self {
        let (process, options) = (process.into(), Vec::new());
        Self { process, blended: Prediction::Eps, variance: Variance::FixedSmall, clip: None, options }
    }

    /// Noise levels of two timesteps on a 1000-step scale, rescaled to this process.
    pub(crate) fn levels_between(&self, first: usize, last: usize) -> RangeInclusive<f64> {
        let sigma = |t: usize| self.process.sigma((t * self.process.timesteps()) as f64 / 1000.0);
        sigma(first)..=sigma(last)
    }
}

/// An option that a sampler cannot be given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// The sampler has no such option.
    #[error("`{option}` is not an option of {sampler}, but of {}", others.join(", "))]
    Foreign {
        /// The option.
        option: SamplerOption,
        /// The sampler.
        sampler: &'static str,
        /// The samplers that have it.
        others: Vec<&'static str>,
    },
    /// The sampler has it, but not with this value.
    #[error("`{option}` {value} is not {} to {}, as {sampler} has it", range.start(), range.end())]
    Range {
        /// The option.
        option: SamplerOption,
        /// What was given.
        value: f64,
        /// The sampler.
        sampler: &'static str,
        /// What it can be; an order is a whole number.
        range: RangeInclusive<f64>,
    },
}

/// The options of one sampler, checked.
pub(crate) struct Values<'a> {
    has: &'a [OptionRange],
    given: &'a [(SamplerOption, f64)],
}

impl<'a> Values<'a> {
    /// Checks what is `given` against what the sampler `has`; `others` names the samplers that have an option.
    pub fn check(
        sampler: &'static str,
        has: &'a [OptionRange],
        given: &'a [(SamplerOption, f64)],
        others: impl Fn(SamplerOption) -> Vec<&'static str>,
    ) -> Result<Self, OptionError> {
        for &(option, value) in given {
            match has.iter().find(|range| range.option == option) {
                None => return Err(OptionError::Foreign { option, sampler, others: others(option) }),
                Some(known) if !known.holds(value) => {
                    return Err(OptionError::Range { option, value, sampler, range: known.range.clone() });
                }
                Some(_) => {}
            }
        }
        Ok(Self { has, given })
    }

    /// The value of an option that the sampler has: what was given last, else its default.
    pub fn get(&self, option: SamplerOption) -> f64 {
        let given = self.given.iter().rev().find(|(name, _)| *name == option).map(|(_, value)| *value);
        let default = || self.has.iter().find(|range| range.option == option).expect("an option it has").default;
        given.unwrap_or_else(default)
    }
}
