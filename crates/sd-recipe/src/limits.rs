//! Refuses sizes whose data alone exceed this machine's memory.

use sd_device::host_memory;

use crate::{Recipe, RecipeError, Training};

/// More workers than any processor can use.
const MOST_WORKERS: usize = 1024;

impl Recipe {
    /// Refuses sizes that cannot fit, before anything is done.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Recipe`] with the key.
    pub(crate) fn check_sizes(&self) -> Result<(), RecipeError> {
        let wrong = |key: &str, reason: String| self.wrong(format!("`{key}`: {reason}"));
        let pixels = (self.data.size as f64).powi(2);
        // A scene is drawn with four dots for each pixel, of four bytes each.
        let one = if self.data.scenes.is_some() { 16.0 * pixels } else { 3.0 * pixels };
        check("an image of that size takes", one).map_err(|reason| wrong("data.size", reason))?;
        if let Some(scenes) = self.data.scenes {
            check_images(self, scenes).map_err(|reason| wrong("data.scenes", reason))?;
        }
        if let Some(prior) = &self.prior {
            check_images(self, prior.images).map_err(|reason| wrong("prior.images", reason))?;
        }
        // Each is in memory twice: by itself and on the sheet.
        let samples = 6.0 * pixels * self.samples.count as f64;
        check(&format!("{} samples take", self.samples.count), samples)
            .map_err(|reason| wrong("samples.count", reason))?;
        match self.training.workers {
            0..=MOST_WORKERS => self.check_workers(self.data.scenes.unwrap_or(usize::MAX)),
            many => Err(wrong("training.workers", format!("{many} workers, expected at most {MOST_WORKERS}"))),
        }
    }

    /// Refuses more workers than images.
    pub(crate) fn check_workers(&self, images: usize) -> Result<(), RecipeError> {
        let workers = self.training.workers;
        if workers <= images {
            return Ok(());
        }
        Err(self.wrong(format!("`training.workers`: {workers} workers, but only {images} images")))
    }

    /// Refuses a network with too many weights, or a batch of images, each of `each` values, that does not fit.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Recipe`] with the key.
    pub(crate) fn check_training(&self, table: &str, weights: usize, each: usize) -> Result<(), RecipeError> {
        // A checkpoint has the weights, their average and two moments.
        check(&format!("training {weights} weights takes"), 16.0 * weights as f64)
            .map_err(|reason| self.wrong(format!("[{table}]: {reason}")))?;
        // The input and the output of the network in single precision.
        let images = self.training.batch / self.training.passes();
        check("its images take", 8.0 * images as f64 * each as f64)
            .map_err(|reason| self.wrong(format!("`training.batch`: {reason}; raise `training.passes` to split them")))
    }
}

/// Refuses more images than fit into memory.
pub(crate) fn check_images(recipe: &Recipe, count: usize) -> Result<(), String> {
    // Three bytes for each pixel; images that are not encoded are also there in single precision.
    let each = match recipe.train {
        Training::TextToImage | Training::Distillation | Training::Lora | Training::TextualInversion => 3.0,
        // As many for its condition.
        Training::ControlNet => 6.0,
        Training::Autoencoder | Training::Pixels => 15.0,
    };
    let count = if recipe.data.flip { 2 * count } else { count };
    check(&format!("{count} images take"), each * count as f64 * (recipe.data.size as f64).powi(2))
}

/// Refuses more bytes than this machine has; `what` says what takes them.
fn check(what: &str, bytes: f64) -> Result<(), String> {
    // If the system does not report its memory, assume more than any machine has.
    let memory = host_memory().unwrap_or(1 << 48) as f64;
    if bytes <= memory {
        return Ok(());
    }
    Err(format!("{what} {:.1} GB of memory, but this machine has {:.1}", bytes / 1e9, memory / 1e9))
}
