use std::ops::Range;
use std::path::Path;

use sd_model::config::Json;
use serde_json::{Map, Value};

use crate::text::read_text;
use crate::{Recipe, RecipeError, Training};

impl Recipe {
    /// Reads a recipe. Paths in it are relative to the current folder.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Io`], [`RecipeError::Text`], and [`RecipeError::Recipe`], which names the line and the key.
    pub fn read(file: &Path) -> Result<Self, RecipeError> {
        let text = read_text(file)?;
        let wrong = |reason: String| RecipeError::Recipe { file: file.to_path_buf(), reason };
        let recipe: Self = toml::from_str(&text).map_err(|error| wrong(one_line(&text, &error)))?;
        let keys = text.parse().map_err(|error| wrong(one_line(&text, &error)))?;
        recipe
            .check_used_keys(&keys)
            .and_then(|()| recipe.check_numbers())
            .and_then(|()| recipe.check_control())
            .and_then(|()| recipe.check_distillation())
            .and_then(|()| recipe.check_lora())
            .and_then(|()| recipe.check_inversion())
            .and_then(|()| recipe.check_prior())
            .and_then(|()| recipe.check_learned_variance())
            .and_then(|()| recipe.check_data())
            .and_then(|()| recipe.check_tables())
            .map_err(wrong)?;
        Ok(Self { file: file.to_path_buf(), ..recipe })
    }

    fn check_numbers(&self) -> Result<(), String> {
        let (training, diffusion) = (&self.training, &self.diffusion);
        let (batch, passes, workers) = (training.batch, training.passes(), training.workers);
        let counts = [
            ("data.size", self.data.size),
            ("data.scenes", self.data.scenes.unwrap_or(1)),
            ("training.batch", batch),
            ("training.passes", passes),
            ("training.workers", workers),
            ("training.steps", training.steps as usize),
            ("training.checkpoint_every", training.checkpoint_every as usize),
            ("samples.every", self.samples.every as usize),
            ("samples.steps", self.samples.steps),
        ];
        if let Some((key, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(format!("`{key}` is 0, expected at least 1"));
        }
        if !batch.is_multiple_of(passes) {
            return Err(format!("`training.batch` is {batch}, which does not divide into {passes} passes"));
        }
        if !passes.is_multiple_of(workers) {
            return Err(format!("`training.passes` is {passes}, which does not divide among {workers} workers"));
        }
        if !self.samples.guidance.is_finite() {
            return Err(format!("`samples.guidance` is {}, expected a finite number", self.samples.guidance));
        }
        if let Some(mean) = diffusion.log_sigma_mean.filter(|mean| !mean.is_finite()) {
            return Err(format!("`diffusion.log_sigma_mean` is {mean}, expected a finite number"));
        }
        let (any, positive, share) = (0.0..f64::INFINITY, f64::MIN_POSITIVE..f64::INFINITY, 0.0..1.0);
        let numbers: [(&str, f64, &Range<f64>); 10] = [
            ("training.rate", training.rate, &positive),
            ("training.last_rate", training.last_rate, &any),
            ("training.ema_decay", training.ema_decay, &share),
            ("training.weight_decay", training.weight_decay, &any),
            ("training.clip_norm", training.clip_norm, &positive),
            ("autoencoder.kl_weight", self.autoencoder.kl_weight, &any),
            ("diffusion.caption_dropout", diffusion.caption_dropout.unwrap_or_default(), &share),
            ("diffusion.noise_offset", diffusion.noise_offset, &any),
            ("diffusion.min_snr_gamma", diffusion.min_snr_gamma.unwrap_or(1.0), &positive),
            ("diffusion.log_sigma_std", diffusion.log_sigma_std.unwrap_or(1.0), &positive),
        ];
        match numbers.iter().find(|(_, number, range)| !range.contains(number)) {
            Some((key, number, range)) if *range == &share => {
                Err(format!("`{key}` is {number}, expected a number from 0 to below 1"))
            }
            Some((key, number, range)) => {
                let bound = if *range == &any { "of at least 0" } else { "above 0" };
                Err(format!("`{key}` is {number}, expected a number {bound}"))
            }
            None => Ok(()),
        }
    }

    /// Checks that each network is given once, and none that is not used.
    fn check_tables(&self) -> Result<(), String> {
        let used: &[&str] = match self.train {
            Training::Autoencoder => &["vae"],
            Training::TextToImage => &["unet", "text_encoder", "scheduler"],
            Training::Pixels => &["unet", "scheduler"],
            Training::ControlNet | Training::Distillation | Training::Lora | Training::TextualInversion => &[],
        };
        let tables = [
            ("vae", &self.vae),
            ("unet", &self.unet),
            ("text_encoder", &self.text_encoder),
            ("scheduler", &self.scheduler),
        ];
        for (name, table) in tables {
            match (table.is_some(), used.contains(&name), self.start.is_some()) {
                (false, true, false) => return Err(format!("no table [{name}], and no `start` to take it from")),
                (true, true, true) => return Err(format!("[{name}] is given twice: here and by `start`")),
                (true, false, _) => return Err(format!("[{name}] is not used in this training: remove it")),
                _ => {}
            }
        }
        let needs_autoencoder = self.train == Training::TextToImage && self.start.is_none();
        match (needs_autoencoder, &self.diffusion.autoencoder) {
            (true, None) => Err("`diffusion.autoencoder` is missing: name the folder that contains vae/".into()),
            (false, Some(_)) => Err("`diffusion.autoencoder` is not used in this training: remove it".into()),
            _ => Ok(()),
        }
    }

    /// Returns the table of a network, to be read like its `config.json`.
    pub(crate) fn table(&self, name: &str, table: &Option<Map<String, Value>>) -> Json {
        Json::new(&self.file.join(format!("[{name}]")), table.clone().unwrap_or_default())
    }

    /// Creates an error of this recipe.
    pub(crate) fn wrong(&self, reason: String) -> RecipeError {
        RecipeError::Recipe { file: self.file.clone(), reason }
    }
}

/// Formats an error of TOML in one line.
fn one_line(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', ", ");
    let Some(span) = error.span() else { return message };
    let before = &text[..span.start];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}: {message}")
}
