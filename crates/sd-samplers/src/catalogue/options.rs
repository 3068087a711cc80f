use std::fmt;
use std::ops::RangeInclusive;

use sd_schedule::{Prediction, Process};
use serde::{Deserialize, Serialize};

use crate::Variance;

/// A numeric option of some samplers, named as in their papers.
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
    /// The largest error of a part of a step of an adaptive method.
    Tolerance,
}

impl SamplerOption {
    /// All options.
    pub const ALL: [Self; 9] = [
        Self::Eta,
        Self::SChurn,
        Self::STmin,
        Self::STmax,
        Self::SNoise,
        Self::Order,
        Self::Tau,
        Self::Gamma,
        Self::Tolerance,
    ];
}

/// The kebab-case name: `eta`, `s-churn`, …
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
            Self::Tolerance => "tolerance",
        })
    }
}

/// An option of a sampler, with its default and range.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionRange {
    /// The option.
    pub option: SamplerOption,
    /// The value if none is given.
    pub default: f64,
    /// The smallest and the largest value.
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

/// The inputs from which a sampler of the catalogue is made.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplerSettings {
    /// How the network was trained.
    pub process: Process,
    /// The prediction that PLMS and PNDM blend; see [`Plms`](crate::Plms).
    pub blended: Prediction,
    /// The variance of DDPM's noise.
    pub variance: Variance,
    /// DDPM and DDIM clip denoised images to `[−clip, clip]`.
    pub clip: Option<f64>,
    /// The given options.
    pub options: Vec<(SamplerOption, f64)>,
}

impl SamplerSettings {
    /// Makes the settings for a process or a schedule: no clipping, the small variance, `eps` blended, default options.
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

/// Why a sampler does not accept an option.
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
    #[error("`{option}` {value} is not allowed for {sampler}: use {} to {}", range.start(), range.end())]
    Range {
        /// The option.
        option: SamplerOption,
        /// The given value.
        value: f64,
        /// The sampler.
        sampler: &'static str,
        /// The allowed range; an order must be a whole number.
        range: RangeInclusive<f64>,
    },
}

/// The options of one sampler, checked.
pub(crate) struct Values<'a> {
    has: &'a [OptionRange],
    given: &'a [(SamplerOption, f64)],
}

impl<'a> Values<'a> {
    /// Checks the `given` options against those that the sampler `has`; `others` names the samplers that have an option.
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

    /// The value of an option of this sampler: the one given last, else the default.
    pub fn get(&self, option: SamplerOption) -> f64 {
        let given = self.given.iter().rev().find(|(name, _)| *name == option).map(|(_, value)| *value);
        let default = || self.has.iter().find(|range| range.option == option).expect("an option it has").default;
        given.unwrap_or_else(default)
    }
}
