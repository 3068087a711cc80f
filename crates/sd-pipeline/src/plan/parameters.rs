use sd_samplers::FreshNoise;

use super::{Origin, Plan, Settings};

impl Plan {
    /// The plan in the words that other programs read from an image's `parameters`: the prompts, a line each, and then
    /// the settings. An image that starts from [latents](Self::latents) has no `Seed`.
    pub fn parameters(&self) -> String {
        let Settings { negative_prompt, width, height, guidance, sampling, .. } = &self.settings;
        let prompt = self.prompt.as_ref().map(|text| format!("{text}\n"));
        let negative = negative_prompt.as_ref().map(|text| format!("Negative prompt: {text}\n"));
        let guidance = guidance.map(|scale| format!(", CFG scale: {}", scale.value));
        let schedule = sampling.schedule.as_ref().map(|schedule| format!(", Schedule type: {schedule}"));
        let seed = match (&self.latents, sampling.sampler.value.entry().fresh) {
            (None, _) => Some(format!(", Seed: {}", self.seed)),
            // Whoever reads a seed starts from its noise, and this image did not.
            (Some(_), FreshNoise::Never) => None,
            (Some(_), _) => Some(format!(", Step noise seed: {}", self.seed)),
        };
        let requested = sampling.options.iter().filter(|option| option.origin == Origin::Request);
        let options: String = requested.map(|option| format!(", {}: {}", option.option, option.value)).collect();
        format!(
            "{}{}Steps: {}, Sampler: {}{}{}, Size: {}x{}{}{options}",
            prompt.unwrap_or_default(),
            negative.unwrap_or_default(),
            sampling.steps.value,
            sampling.sampler.value,
            guidance.unwrap_or_default(),
            seed.unwrap_or_default(),
            width.value,
            height.value,
            schedule.unwrap_or_default(),
        )
    }
}
