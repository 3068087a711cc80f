use sd_train::ConsistencyConfig;
use serde::Deserialize;

use crate::{DiffusionConfig, Recipe, Training};

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

impl Recipe {
    /// Checks that a distillation, and no other training, has a teacher and the table of its settings.
    pub(crate) fn check_distillation(&self) -> Result<(), String> {
        let settings = match (&self.distillation, self.train) {
            (Some(_), train) if train != Training::Distillation => {
                return Err("[distillation] is not used in this training: remove it".into());
            }
            (_, train) if train != Training::Distillation => return Ok(()),
            (settings, _) => settings.clone().unwrap_or_default(),
        };
        if self.start.is_none() {
            return Err("`start` is missing: name the folder of the model to distil".into());
        }
        if self.diffusion != DiffusionConfig::default() {
            return Err("[diffusion] is not used in this training: remove it".into());
        }
        let [lowest, highest] = settings.guidance;
        if !(lowest >= 1.0 && lowest <= highest && highest.is_finite()) {
            return Err(format!(
                "`distillation.guidance` is [{lowest}, {highest}], expected the lowest and the highest scale, of at least 1"
            ));
        }
        if !(settings.huber_c > 0.0 && settings.huber_c.is_finite()) {
            return Err(format!("`distillation.huber_c` is {}, expected a number above 0", settings.huber_c));
        }
        Ok(())
    }

    /// Checks that the steps of the teacher divide the timesteps, and its steps into phases.
    pub(crate) fn check_phases(&self, timesteps: usize) -> Result<(), String> {
        let DistillationConfig { skip, phases, .. } = self.distillation.clone().unwrap_or_default();
        if skip == 0 || !timesteps.is_multiple_of(skip) {
            return Err(format!(
                "`distillation.skip` is {skip}, expected a divisor of {timesteps}, the number of timesteps"
            ));
        }
        let steps = timesteps / skip;
        if phases == 0 || !steps.is_multiple_of(phases) {
            return Err(format!(
                "`distillation.phases` is {phases}, expected a divisor of {steps}, the number of the teacher's steps"
            ));
        }
        Ok(())
    }
}
