//! Recipes of networks that also read the clean image that they last predicted, and what this makes of their channels.

use sd_model::config::Json;
use serde_json::Value;

use crate::{Recipe, RecipeError};

const KEY: &str = "`diffusion.self_conditioning`";

impl Recipe {
    /// The table of a U-Net for images of so many channels, with twice as many inputs if it reads its last prediction, and twice as many
    /// outputs if it learns the variance, unless it says otherwise.
    pub(crate) fn unet_table(&self, channels: u64) -> Json {
        let (mut table, settings) = (self.table("unet", &self.unet), &self.diffusion);
        if settings.self_conditioning {
            table = table.with("self_conditioning", true);
            if table.get("in_channels").is_none() {
                table = table.with("in_channels", 2 * channels);
            }
        }
        if settings.learned_variance && table.get("out_channels").is_none() {
            let inputs = table.get("in_channels").and_then(Value::as_u64).unwrap_or(channels);
            let channels = if settings.self_conditioning { inputs / 2 } else { inputs };
            table = table.with("out_channels", channels.saturating_mul(2));
        }
        table
    }

    /// Checks that the U-Net reads its last prediction if the recipe says so.
    pub(crate) fn check_inputs(&self, reads: bool) -> Result<(), RecipeError> {
        match (self.diffusion.self_conditioning, reads) {
            (true, false) => {
                Err(self.wrong(format!("{KEY}, but the U-Net of `start` does not read its last prediction")))
            }
            (false, true) if !self.train.trains_unet() => Err(self.wrong(
                "a U-Net that also reads its last prediction (`self_conditioning`) can only be trained as a whole"
                    .into(),
            )),
            (false, true) => Err(self
                .wrong(format!("this U-Net also reads its last prediction (`self_conditioning`): set {KEY} = true"))),
            _ => Ok(()),
        }
    }
}
