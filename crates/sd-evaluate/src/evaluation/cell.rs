use std::fmt;

use serde::{Deserialize, Serialize};

use super::pictures::Pictures;
use crate::Judgement;

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What is measured.
    pub measure: Measure,
    /// Of which pictures.
    pub pictures: Pictures,
}

/// What is measured of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How often they show what their captions tell.
    Accuracy,
    /// How far they are as a set from other renders of held-out scenes.
    Distance,
}

/// A measurement that is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Pictures that were looked at.
    pub pictures: u64,
    /// How long drawing and reading them took, in seconds.
    pub seconds: f64,
    /// What was found.
    pub found: Found,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// How often pictures show what their captions tell.
    Accuracy(Judgement),
    /// The squared Fréchet distance in the classifier's features.
    Distance(f64),
}

/// A name for a file and for people: `accuracy-guidance-7.5`, `distance-ddim-20`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.measure {
            Measure::Accuracy => "accuracy-",
            Measure::Distance => "distance-",
        })?;
        match (self.measure, &self.pictures) {
            (_, Pictures::Renders) => f.write_str("renders"),
            (_, Pictures::Reconstructions) => f.write_str("reconstructions"),
            (Measure::Accuracy, Pictures::Samples(drawing)) => write!(f, "guidance-{}", drawing.guidance),
            (Measure::Distance, Pictures::Samples(drawing)) => write!(f, "{}-{}", drawing.sampler, drawing.steps),
        }
    }
}
