use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use sd_schedule::{Grid, NoiseLevels, ScheduleError, Spacing};
use serde::{Deserialize, Serialize};

use crate::{Error, Field};

/// Which noise levels to visit, if not those of the model's config.
///
/// In serde it is the text from which it is parsed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Schedule {
    /// Multiples of `trained / steps`, shifted by the config's `steps_offset`: [`Spacing::Leading`].
    Leading,
    /// Evenly from the first to the last timestep: [`Spacing::Linspace`].
    Linspace,
    /// Counted back from the last timestep: [`Spacing::Trailing`].
    Trailing,
    /// The noise levels of a grid, followed by 0.
    Grid(Grid),
    /// "Align Your Steps" with the table of the model's family: [`Grid::AysSd1`] or [`Grid::AysSdxl`].
    Ays,
    /// Your own training timesteps, falling.
    Timesteps(Vec<f64>),
    /// Your own noise levels, falling; the last is where the image ends, mostly 0.
    Sigmas(Vec<f64>),
    /// Noise levels with the weights of a multistep method for each step, as `sd tune` finds them for the sampler `ipndm`.
    Multistep {
        /// The levels, as of [`Sigmas`](Self::Sigmas).
        sigmas: Vec<f64>,
        /// One to four weights for each step, those of the newest predictions last: see [`Multistep`](sd_samplers::Multistep).
        weights: Vec<Vec<f64>>,
    },
}

impl Schedule {
    /// All named schedules.
    pub const NAMED: [(&str, Self); 13] = [
        ("leading", Self::Leading),
        ("linspace", Self::Linspace),
        ("trailing", Self::Trailing),
        ("karras", Self::Grid(Grid::Karras { rho: 7.0 })),
        ("exponential", Self::Grid(Grid::Exponential)),
        ("polyexponential", Self::Grid(Grid::Polyexponential { rho: 1.0 })),
        ("beta", Self::Grid(Grid::Beta)),
        ("beta-sigmas", Self::Grid(Grid::BetaSigmas)),
        ("sgm_uniform", Self::Grid(Grid::SgmUniform)),
        ("simple", Self::Grid(Grid::Simple)),
        ("normal", Self::Grid(Grid::Normal)),
        ("ays", Self::Ays),
        ("kl_optimal", Self::Grid(Grid::KlOptimal)),
    ];

    /// Number of steps of a list; none for the other schedules.
    pub fn steps(&self) -> Option<usize> {
        match self {
            Self::Timesteps(timesteps) => Some(timesteps.len()),
            Self::Sigmas(sigmas) | Self::Multistep { sigmas, .. } => Some(sigmas.len().saturating_sub(1)),
            _ => None,
        }
    }

    /// The spacing of trained timesteps, if this is one; `offset` comes from the config.
    pub(crate) fn spacing(&self, offset: usize) -> Option<Spacing> {
        match self {
            Self::Leading => Some(Spacing::Leading { offset }),
            Self::Linspace => Some(Spacing::Linspace),
            Self::Trailing => Some(Spacing::Trailing),
            _ => None,
        }
    }
}

/// The text from which it is parsed: a name, or a list.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
        match self {
            Self::Timesteps(timesteps) => write!(f, "timesteps:{}", list(timesteps)),
            Self::Sigmas(sigmas) => write!(f, "sigmas:{}", list(sigmas)),
            Self::Multistep { sigmas, weights } => {
                let weights: Vec<String> = weights.iter().map(|of_step| list(of_step)).collect();
                write!(f, "multistep:{};{}", list(sigmas), weights.join(";"))
            }
            named => match Self::NAMED.into_iter().find(|(_, schedule)| schedule == named) {
                Some((name, _)) => f.write_str(name),
                None => match named {
                    Self::Grid(Grid::Karras { rho }) => write!(f, "karras:{rho}"),
                    Self::Grid(Grid::Polyexponential { rho }) => write!(f, "polyexponential:{rho}"),
                    Self::Grid(Grid::AysSd1) => f.write_str("ays-sd1"),
                    Self::Grid(Grid::AysSdxl) => f.write_str("ays-sdxl"),
                    other => write!(f, "{other:?}"),
                },
            },
        }
    }
}

/// Parses a name, `timesteps:999,749,499,249`, or `sigmas:14.6,4,1,0.2,0`. Also `karras:5` and `polyexponential:2` with your
/// own rho, `ays-sd1` and `ays-sdxl` for the table of one family with any model, and `multistep:14.6,4,0;1;-0.5,1.5` for levels
/// and the weights of each step.
impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| {
            let parsed = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            parsed.ok_or_else(|| Error::request(Field::Schedule, format!(": `{text}` is not a number")))
        };
        let list = |values: &str| values.split(',').map(number).collect::<Result<Vec<f64>, Error>>();
        match (text.split_once(':'), Self::NAMED.into_iter().find(|(name, _)| *name == text)) {
            (_, Some((_, schedule))) => Ok(schedule),
            (Some(("timesteps", values)), _) => Ok(Self::Timesteps(list(values)?)),
            (Some(("sigmas", values)), _) => Ok(Self::Sigmas(list(values)?)),
            (Some(("multistep", lists)), _) => {
                let mut lists = lists.split(';').map(list).collect::<Result<Vec<_>, Error>>()?;
                let sigmas = lists.remove(0);
                check_weights(&lists, sigmas.len().saturating_sub(1))?;
                Ok(Self::Multistep { sigmas, weights: lists })
            }
            (Some(("karras", rho)), _) => Ok(Self::Grid(Grid::Karras { rho: number(rho)? })),
            (Some(("polyexponential", rho)), _) => Ok(Self::Grid(Grid::Polyexponential { rho: number(rho)? })),
            (None, _) if text == "ays-sd1" => Ok(Self::Grid(Grid::AysSd1)),
            (None, _) if text == "ays-sdxl" => Ok(Self::Grid(Grid::AysSdxl)),
            _ => {
                let names = Self::NAMED.map(|(name, _)| name).join(", ");
                let lists = "timesteps:999,749,… and sigmas:14.6,…,0";
                Err(Error::request(Field::Schedule, format!("`{text}` is unknown; there are {names}, {lists}")))
            }
        }
    }
}

impl TryFrom<String> for Schedule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

/// Checks the weights of a multistep method for so many steps.
fn check_weights(weights: &[Vec<f64>], steps: usize) -> Result<(), Error> {
    /// Weights beyond this size are of no use, and their sums might not be finite.
    const LARGEST: f64 = 1000.0;
    let refuse = |reason: String| Err(Error::request(Field::Schedule, reason));
    if weights.len() != steps {
        return refuse(format!(": weights of {} steps, but levels of {steps}", weights.len()));
    }
    match weights
        .iter()
        .position(|of_step| !(1..=4).contains(&of_step.len()) || of_step.iter().any(|w| w.abs() > LARGEST))
    {
        Some(step) => refuse(format!(": step {} needs 1 to 4 weights of at most {LARGEST}", step + 1)),
        None => Ok(()),
    }
}

/// Checks a list of noise levels.
///
/// # Errors
///
/// [`Error::Request`] for levels that do not fall, or that are out of range for images in single precision.
pub(crate) fn listed(sigmas: &[f64]) -> Result<NoiseLevels, Error> {
    const RANGE: RangeInclusive<f64> = 1e-6..=1e9;
    match sigmas.iter().find(|sigma| **sigma > 0.0 && !RANGE.contains(*sigma)) {
        Some(sigma) => Err(Error::request(
            Field::Schedule,
            format!(": noise level {sigma:e}, but levels are 0, or {} to {}", RANGE.start(), RANGE.end()),
        )),
        None => NoiseLevels::new(sigmas.to_vec()).map_err(in_list),
    }
}

/// The error of a request for an invalid list.
pub(crate) fn in_list(error: ScheduleError) -> Error {
    Error::request(Field::Schedule, format!(": {error}"))
}
