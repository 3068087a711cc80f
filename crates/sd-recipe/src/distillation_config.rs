use sd_train::ConsistencyConfig;
use serde::Deserialize;

/// How a model is distilled into one that draws in a few steps.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DistillationConfig {
    /// Timesteps that each step of the teacher skips.
    pub skip: usize,
    /// Jumps of the student from pure noise to an image.
    pub phases: usize,
    /// The difference of two values from which on it counts by its size rather than its square.
    pub huber_c: f64,
    /// The lowest and the highest guidance scale that the student learns.
    pub guidance: [f64; 2],
}

impl Default for DistillationConfig {
    fn default() -> Self {
        let ConsistencyConfig { skip, phases, huber_c } = ConsistencyConfig::new();
        Self { skip, phases, huber_c, guidance: [2.0, 8.0] }
    }
}

impl DistillationConfig {
    /// Where the jumps of the student begin and end.
    pub(crate) fn consistency(&self) -> ConsistencyConfig {
        ConsistencyConfig { skip: self.skip, phases: self.phases, huber_c: self.huber_c }
    }
}
