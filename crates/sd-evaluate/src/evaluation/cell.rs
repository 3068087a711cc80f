use std::fmt;

use serde::{Deserialize, Serialize};

use super::images::Images;
use crate::Judgement;

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What is measured.
    pub measure: Measure,
    /// Of which images.
    pub images: Images,
}

/// What is measured of images.
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
    /// Images that were looked at.
    pub images: u64,
    /// How long drawing and reading them took, in seconds.
    pub seconds: f64,
    /// What was found.
    pub found: Found,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// How often images show what their captions tell.
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
        match (self.measure, &self.images) {
            (_, Images::Renders) => f.write_str("renders"),
            (_, Images::Reconstructions) => f.write_str("reconstructions"),
            (Measure::Accuracy, Images::Samples(drawing)) => write!(f, "guidance-{}", drawing.guidance),
            (Measure::Distance, Images::Samples(drawing)) => write!(f, "{}-{}", drawing.sampler, drawing.steps),
        }
    }
}
