//! What an image says about the files of its job.

use std::path::Path;

use sd_metadata::Parameters;
use sd_pipeline::{Plan, Upscaler};

use super::Planned;
use super::files::{Control, Files, JobFiles};
use crate::{EngineError, Entry, Job, Kind, Library, Used};

/// Digits of a hash in AUTOMATIC1111's text: of models, and of LoRAs and textual inversions.
const SHORT: usize = 10;
const LONGER: usize = 12;

/// The files of a job with their hashes, the model first.
pub fn used(files: &JobFiles, upscaler: Option<&Path>, library: &Library) -> Result<Vec<Used>, EngineError> {
    let mut used = of_model(&files.base, library)?;
    if let Some(path) = upscaler {
        used.push(of_path(Kind::Upscaler, path, library)?);
    }
    if let Some(refiner) = &files.refiner {
        let file = of_entry(&refiner.model, library)?;
        used.push(Used { kind: "refiner".into(), ..file });
    }
    Ok(used)
}

fn of_model(files: &Files, library: &Library) -> Result<Vec<Used>, EngineError> {
    let mut used = vec![of_entry(&files.model, library)?];
    if let Some(vae) = &files.vae {
        used.push(of_entry(vae, library)?);
    }
    for (path, _) in &files.loras {
        let file = of_path(Kind::Lora, path, library)?;
        used.push(Used { autov3: Some(library.lora_hash(path)?), ..file });
    }
    for (path, word) in &files.embeddings {
        let file = of_path(Kind::Embedding, path, library)?;
        used.push(Used { name: word.clone().unwrap_or(file.name), ..file });
    }
    let controls = files.controls.iter().filter_map(|control| match control {
        Control::At(path) => Some(path),
        Control::BuiltIn(_) => None,
    });
    for path in controls.chain(files.image_adapters.iter().map(|(path, _)| path)) {
        used.push(of_path(Kind::Control, path, library)?);
    }
    Ok(used)
}

fn of_path(kind: Kind, path: &Path, library: &Library) -> Result<Used, EngineError> {
    of_entry(&Entry::at(kind, path), library)
}

fn of_entry(entry: &Entry, library: &Library) -> Result<Used, EngineError> {
    let (kind, name) = (entry.kind.to_string(), entry.name.clone());
    Ok(Used { kind, name, sha256: library.hash(entry)?, autov3: None })
}

/// AUTOMATIC1111's text for an image: that of its plan, and what the files and further passes add.
pub fn parameters(job: &Job, planned: &Planned, plan: &Plan, used: &[Used]) -> Parameters {
    let mut parameters = plan.parameters();
    let of_kind = |kind: Kind| {
        let kind = kind.to_string();
        used.iter().filter(move |file| file.kind == kind)
    };
    let short = |hash: &str, digits: usize| hash[..digits.min(hash.len())].to_string();
    if let Some(model) = used.first() {
        parameters.set("Model hash", short(&model.sha256, SHORT));
        parameters.set("Model", &model.name);
    }
    if let Some(vae) = of_kind(Kind::Vae).next() {
        parameters.set("VAE hash", short(&vae.sha256, SHORT));
        parameters.set("VAE", &vae.name);
    }
    let hashes = |named: Vec<String>| (!named.is_empty()).then(|| named.join(", "));
    let loras = of_kind(Kind::Lora)
        .map(|lora| format!("{}: {}", lora.name, short(lora.autov3.as_deref().unwrap_or(&lora.sha256), LONGER)));
    if let Some(loras) = hashes(loras.collect()) {
        parameters.set("Lora hashes", loras);
    }
    let words = of_kind(Kind::Embedding).map(|word| format!("{}: {}", word.name, short(&word.sha256, LONGER)));
    if let Some(words) = hashes(words.collect()) {
        parameters.set("TI hashes", words);
    }
    if let (Some(pass), Some((hires, plan))) = (&job.hires, &planned.hires) {
        let upscaler = match pass.library_upscaler() {
            Some(Upscaler::Latent) => "Latent",
            Some(Upscaler::LatentAntialiased) => "Latent (antialiased)",
            Some(_) => "Lanczos",
            None => used.iter().find(|file| file.kind == Kind::Upscaler.to_string()).map_or("", |file| &file.name),
        };
        parameters.set("Denoising strength", hires.strength.to_string());
        parameters.set("Hires resize", format!("{}x{}", hires.width, hires.height));
        parameters.set("Hires steps", plan.settings.sampling.steps.value.to_string());
        parameters.set("Hires upscaler", upscaler);
    }
    if let (Some(pass), Some(refiner)) = (&job.refiner, used.iter().find(|file| file.kind == "refiner")) {
        let title = format!("{} [{}]", refiner.name, short(&refiner.sha256, SHORT));
        parameters.set("Refiner", title);
        parameters.set("Refiner switch at", pass.start.to_string());
    }
    parameters.set("Version", concat!("sd-burn ", env!("CARGO_PKG_VERSION")));
    parameters
}
