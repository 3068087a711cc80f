use crate::{DiffusionConfig, DistillationConfig, Recipe, Training};

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
