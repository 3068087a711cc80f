use std::path::PathBuf;

use crate::Recipe;

impl Recipe {
    /// The folder of the images of the prior, if there are any.
    pub(crate) fn prior_folder(&self) -> Option<PathBuf> {
        let prior = self.prior.as_ref()?;
        Some(prior.folder.clone().unwrap_or_else(|| self.real_output().join("prior")))
    }

    /// Checks the images of a class, and that a model is there to draw them.
    pub(crate) fn check_prior(&self) -> Result<(), String> {
        let Some(prior) = &self.prior else { return Ok(()) };
        if self.start.is_none() {
            return Err("[prior] needs `start`, a model whose images of the class are kept".into());
        }
        if prior.images == 0 {
            return Err("`prior.images` is 0, expected at least 1".into());
        }
        if !(prior.weight > 0.0 && prior.weight.is_finite()) {
            return Err(format!("`prior.weight` is {}, expected a number above 0", prior.weight));
        }
        if prior.folder.is_some() && prior.folder == self.data.folder {
            return Err(
                "`prior.folder` is `data.folder`: put the images of the class into a folder of their own".into()
            );
        }
        if self.diffusion.importance_sampling {
            return Err(
                "`diffusion.importance_sampling` does not go with [prior], whose losses are added: remove it".into()
            );
        }
        Ok(())
    }
}
