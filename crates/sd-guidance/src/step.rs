use serde::{Deserialize, Serialize};

/// The step of the sampler for which the network is called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Index among the steps that are made, from 0.
    pub index: usize,
    /// Number of steps that are made.
    pub steps: usize,
    /// Noise level where the step begins; also of calls in its middle.
    pub from: f64,
    /// Noise level where it ends, other than `from`.
    pub to: f64,
}

/// The steps that are guided, as parts of all steps; the others follow the prompt alone (Kynkäänniemi et al. 2024, whose interval is one
/// of noise levels).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Where guidance begins, at least 0.
    pub from: f64,
    /// Where it ends, at most 1; a step that begins there is not guided.
    pub to: f64,
}

/// All steps.
impl Default for Interval {
    fn default() -> Self {
        Self { from: 0.0, to: 1.0 }
    }
}

impl Interval {
    /// Whether a step is guided: `from ≤ index/steps < to`.
    pub fn contains(&self, step: &Step) -> bool {
        (self.from..self.to).contains(&(step.index as f64 / step.steps as f64))
    }
}
