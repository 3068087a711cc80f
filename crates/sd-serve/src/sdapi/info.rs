//! What was drawn, as clients read it: `info` of a response.

use sd_metadata::Parameters;
use serde_json::{Value, json};

use super::request::Wanted;
use crate::queue::Finished;

/// Describes the images of a request. Clients get it as a text in JSON.
pub(super) fn of(wanted: &Wanted, finished: &[Finished], warnings: &[String]) -> Value {
    let request = &wanted.job.request;
    let texts: Vec<&str> = finished.iter().map(|image| image.drawn.parameters.as_str()).collect();
    let written = texts.first().map(|text| Parameters::parse(text));
    let field = |key: &str| written.as_ref().and_then(|written| written.get(key)).map(str::to_owned);
    let number = |key: &str| field(key).and_then(|text| text.parse::<f64>().ok());
    let first = finished.first().map(|image| &image.drawn.image);
    let (prompt, negative) =
        (request.prompt.as_deref().unwrap_or(""), request.negative_prompt.as_deref().unwrap_or(""));
    let seeds: Vec<u64> = finished.iter().map(|image| image.drawn.seed).collect();
    let subseeds: Vec<u64> = (0..finished.len() as u64).map(|image| wanted.subseed.wrapping_add(image)).collect();
    json!({
        "prompt": prompt,
        "all_prompts": vec![prompt; finished.len()],
        "negative_prompt": negative,
        "all_negative_prompts": vec![negative; finished.len()],
        "seed": seeds.first().copied().unwrap_or(request.seed),
        "all_seeds": seeds,
        "subseed": wanted.subseed,
        "all_subseeds": subseeds,
        "subseed_strength": request.variation.map_or(0.0, |variation| variation.strength),
        "width": request.width.or(first.map(|image| image.width)),
        "height": request.height.or(first.map(|image| image.height)),
        "sampler_name": field("Sampler"),
        "scheduler": field("Schedule type"),
        "cfg_scale": number("CFG scale").or(request.guidance),
        "steps": number("Steps").map(|steps| steps as u64).or(request.steps.map(|steps| steps as u64)),
        "batch_size": finished.len(),
        "restore_faces": false,
        "face_restoration_model": null,
        "sd_model_name": field("Model"),
        "sd_model_hash": field("Model hash"),
        "sd_vae_name": field("VAE"),
        "sd_vae_hash": field("VAE hash"),
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": wanted.job.hires.as_ref().map(|hires| hires.strength).or(request.strength),
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": texts,
        "styles": [],
        "job_timestamp": jiff::Timestamp::now().strftime("%Y%m%d%H%M%S").to_string(),
        "clip_skip": request.clip_skip.unwrap_or(1),
        "is_using_inpainting_conditioning": false,
        "version": concat!("sd-burn ", env!("CARGO_PKG_VERSION")),
        "warnings": warnings,
    })
}
