use sd_metadata::{Parameters, has_automatic_schedule, sampler_label, schedule_label};
use sd_samplers::{FreshNoise, SamplerOption};

use super::{Origin, Plan, Settings};
use crate::Seamless;

impl Plan {
    /// Returns the plan as the text that AUTOMATIC1111's web UI writes into images, with its labels and in its order. Hashes and
    /// names of files are not in it.
    ///
    /// An image that starts from [latents](Self::latents) has no `Seed`.
    pub fn parameters(&self) -> Parameters {
        let mut found = Parameters {
            prompt: self.prompt.clone().unwrap_or_default(),
            negative_prompt: self.settings.negative_prompt.clone().unwrap_or_default(),
            ..Parameters::default()
        };
        self.settings.add_to(&mut found);
        match (&self.latents, self.settings.sampling.sampler.value.info().fresh) {
            (None, _) => found.set("Seed", self.seed),
            // Programs that read a seed start from its noise, but this image did not.
            (Some(_), FreshNoise::Never) => {}
            (Some(_), _) => found.set("Step noise seed", self.seed),
        }
        if let Some(variation) = self.variation {
            found.set("Variation seed", variation.seed);
            found.set("Variation seed strength", variation.strength);
        }
        found
    }
}

impl Settings {
    fn add_to(&self, found: &mut Parameters) {
        let sampling = &self.sampling;
        let sampler = sampling.sampler.value;
        found.set("Steps", sampling.steps.value);
        found.set("Sampler", sampler_label(&sampler.to_string()));
        match (&sampling.schedule, sampling.levels.origin) {
            (Some(schedule), _) => found.set("Schedule type", schedule_label(&schedule.to_string())),
            // Without a word about it, the web UI takes others than the sampler's own.
            (None, Origin::Class(_)) if has_automatic_schedule(&sampler.to_string()) => {
                found.set("Schedule type", "Uniform");
            }
            (None, _) => {}
        }
        for (key, scale) in [("CFG scale", &self.guidance), ("Image CFG scale", &self.image_guidance)] {
            scale.as_ref().inspect(|scale| found.set(key, scale.value));
        }
        found.set("Size", format!("{}x{}", self.width.value, self.height.value));
        self.strength.as_ref().inspect(|strength| found.set("Denoising strength", strength.value));
        // The web UI's noise is a GPU's, unless it says otherwise.
        found.set("RNG", "CPU");
        match self.seamless {
            Seamless::No => {}
            Seamless::Both => found.set("Tiling", "True"),
            Seamless::X => found.set("Tiling", "x"),
            Seamless::Y => found.set("Tiling", "y"),
        }
        let regions = self.regions_named().map(|regions| ("Regions", regions));
        let named =
            self.texts_named().into_iter().chain(regions).chain(self.guidance_named()).chain(self.reuse_named());
        named.for_each(|(key, value)| found.set(key, value));
        self.control_named().into_iter().for_each(|(key, value)| found.set(&key, value));
        let requested = sampling.options.iter().filter(|option| option.origin == Origin::Request);
        requested.for_each(|option| found.set(&label(option.option, &sampler.to_string()), option.value));
    }
}

/// The web UI's label of a sampler's option, or the name of one that it does not have.
fn label(option: SamplerOption, sampler: &str) -> String {
    match option {
        SamplerOption::Eta if sampler == "ddim" => "Eta DDIM".into(),
        SamplerOption::Eta => "Eta".into(),
        SamplerOption::SChurn => "Sigma churn".into(),
        SamplerOption::STmin => "Sigma tmin".into(),
        SamplerOption::STmax => "Sigma tmax".into(),
        SamplerOption::SNoise => "Sigma noise".into(),
        option => option.to_string(),
    }
}
