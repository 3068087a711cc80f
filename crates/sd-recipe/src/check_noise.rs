use sd_schedule::Process;

use crate::{Recipe, RecipeError};

impl Recipe {
    /// Refuses settings that mean nothing with the noise process of the network.
    pub(crate) fn check_noise(&self, process: &Process) -> Result<(), RecipeError> {
        let diffusion = &self.diffusion;
        let of_timesteps = [
            ("diffusion.min_snr_gamma", diffusion.min_snr_gamma.is_some()),
            ("diffusion.importance_sampling", diffusion.importance_sampling),
            ("diffusion.learned_variance", diffusion.learned_variance),
        ];
        let of_edm = [
            ("diffusion.log_sigma_mean", diffusion.log_sigma_mean.is_some()),
            ("diffusion.log_sigma_std", diffusion.log_sigma_std.is_some()),
        ];
        let first = |keys: &[(&'static str, bool)]| keys.iter().find(|(_, is_set)| *is_set).map(|(key, _)| *key);
        let reason = match (process, first(&of_timesteps), first(&of_edm)) {
            (Process::Edm(_), Some(key), _) => {
                format!("`{key}` is for timesteps, which EDM's noise process has not: remove it")
            }
            (Process::VariancePreserving { .. }, _, Some(key)) => {
                format!(
                    "`{key}` is for EDM's noise process: remove it, or set `_class_name` in [scheduler] to \"EDMEulerScheduler\""
                )
            }
            _ => return Ok(()),
        };
        Err(self.wrong(reason))
    }
}
