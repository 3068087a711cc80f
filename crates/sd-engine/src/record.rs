//! What an image says of how it was drawn, so that it can be drawn again.

use sd_image::{Image, Mask};
use sd_pipeline::{Init, Plan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{EngineError, EngineOptions, Job, hex};

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

/// What stands for an image in a record, before the hash of its pixels.
const MARK: &str = "sha256:";

/// JSON texts and lists that are longer are images or latents.
const LONGEST: usize = 4096;

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
    request.steps = Some(settings.sampling.steps.value);
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
    let name = |path: &mut String| {
        let stem = std::path::Path::new(path.as_str()).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let is_used = |name: &String| files.iter().any(|file| file.name == *name);
        let whole = std::path::Path::new(path.as_str()).file_name().map(|name| name.to_string_lossy().into_owned());
        if let Some(name) = [whole, stem].into_iter().flatten().find(is_used) {
            *path = name;
        }
    };
    job.model = files.first().map(|model| model.name.clone());
    job.vae.iter_mut().for_each(name);
    job.loras.iter_mut().for_each(|lora| name(&mut lora.name));
    job.embeddings.iter_mut().for_each(|embedding| name(&mut embedding.name));
    job.controls.iter_mut().for_each(name);
    for adapter in &mut job.image_adapters {
        name(&mut adapter.name);
        adapter.encoder.iter_mut().for_each(name);
    }
    job.hires.iter_mut().for_each(|hires| name(&mut hires.upscaler));
    job.refiner.iter_mut().for_each(|refiner| name(&mut refiner.model));
    job
}

/// Replaces images and latents by hashes.
fn replace_images(job: &mut Value) {
    visit(job, &mut |text| {
        if text.len() > 64
            && let Ok(image) = serde_json::from_value::<Image>(Value::String(text.clone()))
        {
            *text = format!("{MARK}{}", hash_of_pixels(&image));
        }
    });
    visit_lists(job, &mut |list| {
        let text = list.to_string();
        if text.len() > LONGEST && list.as_array().is_some_and(|list| list.iter().all(Value::is_number)) {
            *list = Value::String(format!("{MARK}{}", hex(&Sha256::digest(text))));
        }
    });
}

fn visit(value: &mut Value, each: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(list) => list.iter_mut().for_each(|value| visit(value, each)),
        Value::Object(map) => map.values_mut().for_each(|value| visit(value, each)),
        _ => {}
    }
}

fn visit_lists(value: &mut Value, each: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(|value| visit_lists(value, each));
            each(value);
        }
        Value::Object(map) => map.values_mut().for_each(|value| visit_lists(value, each)),
        _ => {}
    }
}

/// A mask is hashed as the grey image that its file holds.
fn hash_of_mask(mask: &Mask) -> String {
    let rgb = mask.values.iter().flat_map(|value| [*value; 3]).collect();
    hash_of_pixels(&Image { width: mask.width, height: mask.height, rgb })
}

fn hash_of_pixels(image: &Image) -> String {
    let size = format!("{}x{} ", image.width, image.height);
    hex(&Sha256::new().chain_update(size).chain_update(&image.rgb).finalize())
}
