use crate::{DistillationConfig, Recipe, Training};

impl Recipe {
    /// Checks that a distillation has a teacher, and its settings.
    pub(crate) fn check_distillation(&self) -> Result<(), String> {
        if self.train != Training::Distillation {
            return Ok(());
        }
        let settings = self.distillation.clone().unwrap_or_default();
        if self.start.is_none() {
            return Err("`start` is missing: name the folder of the model to distil".into());
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
