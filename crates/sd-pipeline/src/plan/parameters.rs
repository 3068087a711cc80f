use sd_samplers::FreshNoise;
use serde_json::json;

use super::{Origin, Plan, Settings};

impl Plan {
    /// Formats the plan as the `parameters` text that other programs read from an image: the prompts, a line each, then the
    /// settings. An image that starts from [latents](Self::latents) has no `Seed`.
    pub fn parameters(&self) -> String {
        let Settings { negative_prompt, width, height, guidance, sampling, .. } = &self.settings;
        let prompt = self.prompt.as_ref().map(|text| format!("{text}\n"));
        let negative = negative_prompt.as_ref().map(|text| format!("Negative prompt: {text}\n"));
        let guidance = guidance.map(|scale| format!(", CFG scale: {}", scale.value));
        let schedule = sampling.schedule.as_ref().map(|schedule| format!(", Schedule type: {schedule}"));
        let seed = match (&self.latents, sampling.sampler.value.info().fresh) {
            (None, _) => Some(format!(", Seed: {}", self.seed)),
            // Programs that read a seed start from its noise, but this image did not.
            (Some(_), FreshNoise::Never) => None,
            (Some(_), _) => Some(format!(", Step noise seed: {}", self.seed)),
        };
        let variation = self.variation.map(|variation| {
            format!(", Variation seed: {}, Variation seed strength: {}", variation.seed, variation.strength)
        });
        let strength = self.settings.strength.map(|strength| format!(", Denoising strength: {}", strength.value));
        let image_guidance = self.settings.image_guidance.map(|scale| format!(", Image CFG scale: {}", scale.value));
        let regions = self.settings.regions_named().map(|regions| ("Regions", regions));
        let texts = self.settings.texts_named().into_iter().chain(regions);
        let texts: String = texts.map(|(name, value)| format!(", {name}: {value}")).collect();
        let named = self.settings.guidance_named().into_iter().map(|(name, value)| format!(", {name}: {value}"));
        let guided: String = named.collect();
        let control = self.settings.control_named().into_iter();
        // JSON strings, because the values have commas.
        let control: String = control.map(|(name, value)| format!(", {name}: {}", json!(value))).collect();
        let requested = sampling.options.iter().filter(|option| option.origin == Origin::Request);
        let options: String = requested.map(|option| format!(", {}: {}", option.option, option.value)).collect();
        format!(
            "{}{}Steps: {}, Sampler: {}{}{}, Size: {}x{}{}{}{}{}{}{guided}{control}{options}",
            prompt.unwrap_or_default(),
            negative.unwrap_or_default(),
            sampling.steps.value,
            sampling.sampler.value,
            guidance.unwrap_or_default(),
            seed.unwrap_or_default(),
            width.value,
            height.value,
            schedule.unwrap_or_default(),
            strength.unwrap_or_default(),
            image_guidance.unwrap_or_default(),
            variation.unwrap_or_default(),
            texts,
        )
    }
}
