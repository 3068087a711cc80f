use std::str::FromStr;

use sd_metadata::{Parameters, sampling};
use sd_pipeline::{Request, SamplerOption, Seamless, Variation};

use super::{HiresPass, HiresSize, Job, RefinerPass};
use crate::{Kind, Library};

/// Settings that say nothing about the image.
const IGNORED: [&str; 9] =
    ["Version", "User", "Hashes", "Lora hashes", "TI hashes", "Model", "Model hash", "VAE hash", "Schedule type"];

/// Settings that belong to an image that was changed.
const OF_CHANGES: [&str; 8] = [
    "Mask blur",
    "Mask mode",
    "Inpaint area",
    "Masked area padding",
    "Masked content",
    "Init image hash",
    "Conditional mask weight",
    "Noise multiplier",
];

impl Job {
    /// Reads the settings that AUTOMATIC1111 writes into images. Files are looked for by their hashes first, then by their names.
    ///
    /// Also returns what cannot be had or is not understood, a sentence each: the image may then be another.
    pub fn from_parameters(parameters: &Parameters, library: &Library) -> (Self, Vec<String>) {
        let mut reader = Reader { parameters, library, job: Self::default(), lost: Vec::new() };
        reader.texts();
        reader.files();
        for (key, value) in &parameters.fields {
            reader.field(key, value);
        }
        reader.random_numbers();
        (reader.job, reader.lost)
    }
}

struct Reader<'a> {
    parameters: &'a Parameters,
    library: &'a Library,
    job: Job,
    lost: Vec<String>,
}

impl Reader<'_> {
    fn texts(&mut self) {
        let Parameters { prompt, negative_prompt, .. } = self.parameters;
        self.job.request = Request::new(prompt);
        self.job.request.negative_prompt = (!negative_prompt.is_empty()).then(|| negative_prompt.clone());
    }

    fn files(&mut self) {
        self.job.model = self.file(Kind::Model, "Model hash", "Model");
        self.job.vae = self.file(Kind::Vae, "VAE hash", "VAE");
    }

    /// The name that the library has for a file.
    fn file(&mut self, kind: Kind, hash: &str, name: &str) -> Option<String> {
        let [hash, name] = [hash, name].map(|key| self.parameters.get(key));
        let name = name.filter(|name| !["Automatic", "None"].contains(name));
        let by_hash = hash.and_then(|hash| self.library.find(kind, hash).ok());
        if let Some(entry) = &by_hash {
            return Some(entry.name.clone());
        }
        let wanted = name.or(hash)?;
        match self.library.find(kind, wanted) {
            Ok(entry) => {
                if let Some(hash) = hash {
                    self.lost.push(format!("the {kind} {wanted} has another hash than {hash}"));
                }
                Some(entry.name)
            }
            Err(_) => {
                self.lost.push(format!("the {kind} {wanted} is not there; the default is taken"));
                None
            }
        }
    }

    fn field(&mut self, key: &str, value: &str) {
        let is_read = match key {
            "Steps" => set(&mut self.job.request.steps, value),
            "CFG scale" => set(&mut self.job.request.guidance, value),
            "Image CFG scale" => set(&mut self.job.request.image_guidance, value),
            "Clip skip" => set(&mut self.job.request.clip_skip, value),
            "Seed" => {
                value.parse().map(|seed: i64| self.job.request.seed = seed as u64).is_ok()
                    || value.parse().map(|seed| self.job.request.seed = seed).is_ok()
            }
            "Size" => self.size(value),
            "Sampler" => self.sampler(value),
            "Denoising strength" => self.strength(value),
            "Variation seed" | "Variation seed strength" => self.variation(),
            "Tiling" => {
                self.job.request.seamless = if value == "True" { Seamless::Both } else { Seamless::No };
                true
            }
            "Hires upscale" | "Hires resize" | "Hires steps" | "Hires upscaler" => self.hires(),
            "Refiner" | "Refiner switch at" => self.refiner(),
            "Eta" | "Eta DDIM" => self.option("eta", value),
            "Sigma churn" => self.option("s-churn", value),
            "Sigma tmin" => self.option("s-tmin", value),
            "Sigma tmax" => self.option("s-tmax", value),
            "Sigma noise" => self.option("s-noise", value),
            // Read below, or of no effect on the image.
            "RNG" | "VAE" | "Emphasis" => true,
            key if IGNORED.contains(&key) => true,
            key if OF_CHANGES.contains(&key) => {
                self.lose("the image was changed from another, which is not in it");
                true
            }
            key if key.starts_with("ControlNet") => {
                self.lose("the image was steered by another, which is not in it");
                true
            }
            key => self.option(key, value),
        };
        if !is_read {
            self.lost.push(format!("{key}: {value} is not understood"));
        }
    }

    fn lose(&mut self, what: &str) {
        if !self.lost.iter().any(|known| known == what) {
            self.lost.push(what.into());
        }
    }

    fn size(&mut self, value: &str) -> bool {
        let Some((width, height)) = value.split_once('x') else { return false };
        set(&mut self.job.request.width, width) && set(&mut self.job.request.height, height)
    }

    fn sampler(&mut self, value: &str) -> bool {
        let (sampler, schedule) = sampling(value, self.parameters.get("Schedule type"));
        let request = &mut self.job.request;
        request.schedule = schedule.and_then(|schedule| schedule.parse().ok());
        set(&mut request.sampler, &sampler)
    }

    fn strength(&mut self, value: &str) -> bool {
        if self.parameters.fields.iter().any(|(key, _)| key.starts_with("Hires ")) {
            return self.hires();
        }
        self.lose("the image was changed from another, which is not in it");
        set(&mut self.job.request.strength, value)
    }

    fn variation(&mut self) -> bool {
        let seed = self.parameters.get("Variation seed").and_then(|seed| seed.parse::<i64>().ok());
        let strength = self.parameters.get("Variation seed strength").and_then(|strength| strength.parse().ok());
        let variation = seed.zip(strength).map(|(seed, strength)| Variation { seed: seed as u64, strength });
        self.job.request.variation = variation;
        variation.is_some()
    }

    fn hires(&mut self) -> bool {
        let number = |key: &str| self.parameters.get(key).and_then(|value| value.parse::<f64>().ok());
        let resize = self.parameters.get("Hires resize").and_then(|size| size.split_once('x'));
        let resize = resize.and_then(|(width, height)| width.parse().ok().zip(height.parse().ok()));
        let resize = resize.filter(|size| *size != (0, 0)).map(|(width, height)| HiresSize::Size(width, height));
        let Some(size) = resize.or_else(|| number("Hires upscale").map(HiresSize::Factor)) else { return false };
        let upscaler = self.parameters.get("Hires upscaler").unwrap_or("Lanczos");
        let upscaler = match upscaler.to_lowercase().as_str() {
            "latent" => "latent".into(),
            "latent (antialiased)" => "latent-antialiased".into(),
            "lanczos" => "lanczos".into(),
            _ => match self.library.find(Kind::Upscaler, upscaler) {
                Ok(entry) => entry.name,
                Err(_) => {
                    let lost = format!("the upscaler {upscaler} is not there; Lanczos is taken");
                    self.lose(&lost);
                    "lanczos".into()
                }
            },
        };
        self.job.hires = Some(HiresPass {
            size,
            steps: number("Hires steps").map(|steps| steps as usize).filter(|steps| *steps > 0),
            strength: number("Denoising strength").unwrap_or(0.7),
            upscaler,
        });
        true
    }

    fn refiner(&mut self) -> bool {
        let Some(name) = self.parameters.get("Refiner") else { return false };
        let start = self.parameters.get("Refiner switch at").and_then(|start| start.parse().ok()).unwrap_or(0.8);
        match self.library.find(Kind::Model, name) {
            Ok(entry) => self.job.refiner = Some(RefinerPass { model: entry.name, start }),
            Err(_) => self.lose(&format!("the refiner {name} is not there; it is left out")),
        }
        true
    }

    /// A sampler's option.
    fn option(&mut self, name: &str, value: &str) -> bool {
        let option = SamplerOption::ALL.into_iter().find(|option| option.to_string() == name);
        let Some((option, value)) = option.zip(value.parse().ok()) else { return false };
        self.job.request.options.push((option, value));
        true
    }

    /// Without a word about it, the web UI's noise is that of a GPU.
    fn random_numbers(&mut self) {
        let is_ours = self.parameters.get("Version").is_some_and(|version| version.starts_with("sd-burn"));
        let source = self.parameters.get("RNG").unwrap_or(if is_ours { "CPU" } else { "GPU" });
        if source != "CPU" {
            self.lost.push(format!("the noise came from another generator of random numbers (RNG: {source})"));
        }
    }
}

fn set<T: FromStr>(field: &mut Option<T>, value: &str) -> bool {
    *field = value.trim().parse().ok();
    field.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LibraryFolders;

    fn read(settings: &str) -> (Job, Vec<String>) {
        let library = Library::new(LibraryFolders::default()).unwrap();
        Job::from_parameters(&Parameters::parse(&format!("a cat\nNegative prompt: dog\n{settings}")), &library)
    }

    #[test]
    fn settings_of_the_web_ui_are_those_of_a_job() {
        let (job, lost) = read(
            "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 5, Size: 64x96, Variation seed: 3, \
             Variation seed strength: 0.2, Denoising strength: 0.6, Clip skip: 2, RNG: CPU, Hires upscale: 2, Hires steps: 9, \
             Hires upscaler: Latent, Eta: 0.5, Version: v1.10.1",
        );
        assert_eq!(lost, Vec::<String>::new());
        let request = &job.request;
        assert_eq!((request.prompt.as_deref(), request.negative_prompt.as_deref()), (Some("a cat"), Some("dog")));
        assert_eq!(request.sampler.map(|name| name.to_string()).as_deref(), Some("dpm++2m"));
        assert_eq!(request.schedule.as_ref().map(ToString::to_string).as_deref(), Some("karras"));
        assert_eq!((request.steps, request.guidance, request.seed), (Some(20), Some(6.5), 5));
        assert_eq!((request.width, request.height, request.clip_skip), (Some(64), Some(96), Some(2)));
        assert_eq!(request.variation, Some(Variation { seed: 3, strength: 0.2 }));
        assert_eq!(request.options, [(SamplerOption::Eta, 0.5)]);
        let hires = job.hires.unwrap();
        assert_eq!((hires.size, hires.steps, hires.strength), (HiresSize::Factor(2.0), Some(9), 0.6));
        assert_eq!((hires.upscaler.as_str(), request.strength), ("latent", None));
    }

    #[test]
    fn what_cannot_be_had_is_told() {
        let (job, lost) = read(
            "Steps: 20, Sampler: Magic, CFG scale: 7, Seed: 5, Size: 64x64, Model hash: 0123456789, Model: dream, \
             Denoising strength: 0.6, Mask blur: 4, Magic: 3, Version: v1.10.1",
        );
        assert_eq!((job.model, job.request.sampler), (None, None));
        for part in ["model dream is not there", "Sampler: Magic", "changed from another", "Magic: 3", "RNG: GPU"] {
            assert_eq!(lost.iter().filter(|lost| lost.contains(part)).count(), 1, "{part}: {lost:?}");
        }
    }
}
