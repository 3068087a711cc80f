//! Recipes of networks that also learn the variance of DDPM's steps.

use sd_model::config::SchedulerConfig;
use sd_pipeline::Variance;
use serde_json::{Map, Value};

use crate::{Recipe, RecipeError};

const KEY: &str = "`diffusion.learned_variance`";

impl Recipe {
    /// Refuses masks, because the bound on the likelihood, by which the variance is learnt, is that of whole images.
    pub(crate) fn check_learned_variance(&self) -> Result<(), String> {
        match self.diffusion.learned_variance && self.data.masks.is_some() {
            true => Err(format!("{KEY} does not go with `data.masks`: remove one of them")),
            false => Ok(()),
        }
    }

    /// The table of the scheduler. If the variance is learned, it says so.
    pub(crate) fn scheduler_table(&self) -> Map<String, Value> {
        let mut table = self.scheduler.clone().unwrap_or_default();
        if self.diffusion.learned_variance {
            table.entry("variance_type").or_insert_with(|| "learned_range".into());
        }
        table
    }

    /// Checks that U-Net and scheduler learn the variance if the recipe does: `outputs` are the U-Net's output channels, for images of
    /// `channels`.
    pub(crate) fn check_outputs(
        &self,
        outputs: usize,
        channels: usize,
        scheduler: &SchedulerConfig,
    ) -> Result<(), RecipeError> {
        let (wanted, found) = (self.diffusion.learned_variance, outputs == 2 * channels);
        let ranges = scheduler.variance == Ok(Variance::LearnedRange);
        let reason = match () {
            () if !self.train.trains_unet() => return Ok(()),
            () if wanted && !found => {
                format!("{KEY} needs a U-Net with {} output channels, but this one has {outputs}", 2 * channels)
            }
            () if wanted && !ranges => format!("{KEY} needs `variance_type` \"learned_range\" in [scheduler]"),
            () if !wanted && found => {
                format!("this U-Net gives {outputs} channels, of which {channels} say a variance: set {KEY} = true")
            }
            () if !wanted && scheduler.variance.as_ref().is_ok_and(|variance| variance.is_learned()) => {
                format!("the `variance_type` of [scheduler] is that of a network which learns it: set {KEY} = true")
            }
            () => return Ok(()),
        };
        Err(self.wrong(reason))
    }
}
