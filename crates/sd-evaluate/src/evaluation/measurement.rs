use std::fmt;

use serde::{Deserialize, Serialize};

use super::images::Images;
use crate::Judgement;

/// A measurement to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The metric.
    pub metric: Metric,
    /// The images.
    pub images: Images,
}

/// A metric of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// How often they show what their captions say.
    Accuracy,
    /// The distance of the set from other renders of held-out scenes.
    Distance,
}

/// The result of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Number of images.
    pub images: u64,
    /// Seconds that drawing and reading them took.
    pub seconds: f64,
    /// The score or the distance.
    pub found: Found,
}

/// The score or the distance of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// How often images show what their captions say.
    Accuracy(Judgement),
    /// The squared Fréchet distance in the classifier's features.
    Distance(f64),
}

/// The name of its file, and in messages: `accuracy-guidance-7.5`, `distance-ddim-20`.
impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.metric {
            Metric::Accuracy => "accuracy-",
            Metric::Distance => "distance-",
        })?;
        match (self.metric, &self.images) {
            (_, Images::Renders) => f.write_str("renders"),
            (_, Images::Reconstructions) => f.write_str("reconstructions"),
            (Metric::Accuracy, Images::Samples(drawing)) => write!(f, "guidance-{}", drawing.guidance),
            (Metric::Distance, Images::Samples(drawing)) => write!(f, "{}-{}", drawing.sampler, drawing.steps),
        }
    }
}
