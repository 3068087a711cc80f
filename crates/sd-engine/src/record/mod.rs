//! What an image says of how it was drawn, so that it can be drawn again.

mod images;

use std::path::Path;

use sd_image::{Image, Mask};
use sd_pipeline::{Init, Origin, Plan, Products};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::images::{MARK, hash_of_mask, hash_of_pixels, lacks_image, replace_images, visit};
use crate::{EngineError, EngineOptions, Job};

/// A job as it was drawn, with the hashes of all files: what images contain under [`KEY`](Self::KEY).
///
/// Images in the job are replaced by their hashes; [`give`](Self::give) puts them back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The program and its version.
    pub version: String,
    /// Name of the device.
    pub device: String,
    /// The processor or GPU.
    pub hardware: String,
    /// Precision of the networks.
    pub dtype: String,
    /// Whether layers multiplied integers of 8 bits.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub int8: bool,
    /// The files, the model first.
    pub files: Vec<Used>,
    /// The job of this image, in JSON.
    job: Value,
}

/// A file that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// `model`, `VAE`, `LoRA`, and so on.
    pub kind: String,
    /// Its name in the library.
    pub name: String,
    /// SHA-256 of the file in hexadecimal; of a folder, that of its weights.
    pub sha256: String,
    /// For LoRAs, the hash that AUTOMATIC1111 has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autov3: Option<String>,
}

impl Record {
    /// The key of the text in images.
    pub const KEY: &str = "sd-burn";

    pub(crate) fn new(job: &Job, plan: &Plan, files: Vec<Used>, options: &EngineOptions) -> Self {
        let job = named(resolved(job, plan), &files);
        let mut job = serde_json::to_value(job).expect("a job is JSON");
        replace_images(&mut job);
        Self {
            version: concat!("sd-burn ", env!("CARGO_PKG_VERSION")).into(),
            device: options.device.name.clone(),
            hardware: options.device.hardware.clone(),
            dtype: options.dtype.to_string(),
            int8: options.products == Products::Int8,
            files,
            job,
        }
    }

    /// The record as JSON in one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a record is JSON")
    }

    /// Reads the JSON of an image.
    ///
    /// # Errors
    ///
    /// [`EngineError::Job`].
    pub fn from_json(text: &str) -> Result<Self, EngineError> {
        serde_json::from_str(text).map_err(|error| EngineError::Job(format!("the record of the image: {error}")))
    }

    /// The hashes of the images that the job needs and that were not given.
    pub fn missing(&self) -> Vec<String> {
        let mut found = Vec::new();
        visit(&mut self.job.clone(), &mut |text| {
            if let Some(hash) = text.strip_prefix(MARK) {
                found.push(hash.to_string());
            }
        });
        found
    }

    /// Puts an image, or a mask of its brightness, where the job needs it. Returns whether it does.
    pub fn give(&mut self, image: &Image) -> bool {
        let mask = Mask::from_luma(image);
        let texts = [serde_json::to_value(image), serde_json::to_value(&mask)].map(|value| match value {
            Ok(Value::String(text)) => text,
            _ => String::new(),
        });
        let hashes = [hash_of_pixels(image), hash_of_mask(&mask)];
        let mut is_needed = false;
        visit(&mut self.job, &mut |text| {
            for (hash, image) in hashes.iter().zip(&texts) {
                if text.strip_prefix(MARK) == Some(hash) {
                    text.clone_from(image);
                    is_needed = true;
                }
            }
        });
        is_needed
    }

    /// Leaves out the parts of the request that need images which were not given, and returns their names: those of the fields of
    /// [`Request`](sd_pipeline::Request).
    pub fn leave_out_missing(&mut self) -> Vec<String> {
        let Some(request) = self.job.get_mut("request").and_then(Value::as_object_mut) else { return Vec::new() };
        let needs: Vec<String> =
            request.iter().filter(|(_, part)| lacks_image(part)).map(|(name, _)| name.clone()).collect();
        for name in &needs {
            request.remove(name);
        }
        // What is left of a change has no meaning without the image.
        if needs.iter().any(|name| name == "init") {
            ["strength", "inpaint", "outpaint"].iter().for_each(|name| drop(request.remove(*name)));
        }
        needs
    }

    /// The job of the image.
    ///
    /// # Errors
    ///
    /// [`EngineError::Job`] if it needs images that were not given, or if another version wrote it.
    pub fn job(&self) -> Result<Job, EngineError> {
        if let Some(hash) = self.missing().first() {
            let reason =
                format!("it was made from another image, whose pixels have the SHA-256 {hash}: give that, too");
            return Err(EngineError::Job(reason));
        }
        let job = serde_json::from_value(self.job.clone());
        job.map_err(|error| EngineError::Job(format!("its job is of another version ({}): {error}", self.version)))
    }
}

/// The job with the plan's values in the place of defaults.
fn resolved(job: &Job, plan: &Plan) -> Job {
    let mut job = job.clone();
    let (settings, request) = (&plan.settings, &mut job.request);
    request.sampler = Some(settings.sampling.sampler.value);
    let sampling = &settings.sampling;
    // A second pass has the model's number of steps for its own strength.
    if job.hires.is_none() || sampling.steps.origin != Origin::Model {
        request.steps = Some(sampling.steps.value);
        // A model that was distilled is known by its name, which may change.
        request.schedule.clone_from(&sampling.schedule);
        let distilled = sampling.options.iter().filter(|option| option.origin == Origin::Model);
        request.options.extend(distilled.map(|option| (option.option, option.value)));
    }
    request.guidance = settings.guidance.map(|guidance| guidance.value);
    request.clip_skip = settings.guidance.map(|_| settings.clip_skip);
    // Initial images keep their own size only if none is requested.
    if request.init.is_none() {
        (request.width, request.height) = (Some(settings.width.value), Some(settings.height.value));
    }
    if let Some(Init::Image(_)) = request.init {
        request.strength = settings.strength.map(|strength| strength.value);
    }
    job
}

/// The job with the names that its files have in a library, instead of paths.
fn named(mut job: Job, files: &[Used]) -> Job {
    for (_, name) in job.names_mut() {
        let path = Path::new(name.as_str());
        let own = [path.file_name(), path.file_stem()].into_iter().flatten();
        let used = own.filter_map(|own| files.iter().find(|file| own == file.name.as_str())).next();
        if let Some(used) = used {
            name.clone_from(&used.name);
        }
    }
    job.model = files.first().map(|model| model.name.clone());
    job
}
