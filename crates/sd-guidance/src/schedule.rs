use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Guidance scales that change from step to step: `7x5+1x15` is 5 steps of scale 7, then 15 of scale 1.
///
/// The last scale holds for all further steps. In files it is that text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScaleSchedule(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    scale: f64,
    steps: usize,
}

impl ScaleSchedule {
    /// The scale of the step with this index.
    pub fn scale(&self, index: usize) -> f64 {
        let mut end = 0;
        let part = self.0.iter().find(|part| {
            end += part.steps;
            index < end
        });
        part.or(self.0.last()).expect("it has a part").scale
    }

    /// Number of steps that it names. Where fewer are made, its end is never reached.
    pub fn steps(&self) -> usize {
        self.0.iter().map(|part| part.steps).sum()
    }

    /// Its scales, in order.
    pub fn scales(&self) -> impl Iterator<Item = f64> {
        self.0.iter().map(|part| part.scale)
    }
}

/// Why a text is no schedule of scales.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "`{part}` in the guidance schedule `{schedule}` is not SCALExSTEPS: write, say, `7x5+1x15` for 5 steps of scale 7, then 15 of scale 1"
)]
pub struct ScaleScheduleError {
    /// The part that was not understood.
    pub part: String,
    /// The whole text.
    pub schedule: String,
}

impl FromStr for ScaleSchedule {
    type Err = ScaleScheduleError;

    fn from_str(schedule: &str) -> Result<Self, Self::Err> {
        let part =
            |text: &str| text.parse().map_err(|()| ScaleScheduleError { part: text.into(), schedule: schedule.into() });
        schedule.split('+').map(part).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Part {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (scale, steps) = text.split_once('x').ok_or(())?;
        let scale: f64 = scale.trim().parse().map_err(|_| ())?;
        let steps = steps.trim().parse().map_err(|_| ())?;
        (scale.is_finite() && (1..=MOST_STEPS).contains(&steps)).then_some(Self { scale, steps }).ok_or(())
    }
}

/// More steps than any training has; their sum stays a number.
const MOST_STEPS: usize = 1_000_000;

impl fmt::Display for ScaleSchedule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (index, Part { scale, steps }) in self.0.iter().enumerate() {
            let plus = if index == 0 { "" } else { "+" };
            write!(f, "{plus}{scale}x{steps}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for ScaleSchedule {
    type Error = ScaleScheduleError;

    fn try_from(schedule: String) -> Result<Self, Self::Error> {
        schedule.parse()
    }
}

impl From<ScaleSchedule> for String {
    fn from(schedule: ScaleSchedule) -> Self {
        schedule.to_string()
    }
}
