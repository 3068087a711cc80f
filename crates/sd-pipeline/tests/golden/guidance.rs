//! Long and composed prompts, regions, XL's sizes and every kind of guidance, against diffusers or a calculation around its networks.

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

use std::path::PathBuf;

use sd_golden::{Kind, TinyModel, data, devices, relative_difference};
use sd_pipeline::{
    Area, DType, Device, GuidanceOptions, Mask, Pipeline, Region, RegionalPrompt, Request, Sizes, Syntax,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

fn set() -> PathBuf {
    data().join("guidance")
}

/// The cases that `is_meant`, with their names.
fn cases(is_meant: impl Fn(&str, &Value) -> bool) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(set().join("cases.json")).unwrap();
    let all: Map<String, Value> = serde_json::from_str(&text).unwrap();
    all.into_iter().filter(|(name, case)| is_meant(name, case)).collect()
}

/// A field of a case; none if it has no such field.
fn get<T: DeserializeOwned>(case: &Value, key: &str) -> Option<T> {
    serde_json::from_value(case.get(key)?.clone()).unwrap()
}

fn request(case: &Value) -> Request {
    let [width, height] = get(case, "size").unwrap();
    let size = |key| get(&case["sizes"], key);
    let (guidance, options) = guidance(&case["guidance"], width * height / 64 * 4);
    Request {
        prompt: get(case, "prompt"),
        negative_prompt: get(case, "negative"),
        prompt_syntax: get(case, "syntax").unwrap_or(Syntax::A1111),
        clip_skip: get(case, "clip_skip"),
        width: Some(width),
        height: Some(height),
        steps: get(case, "steps"),
        seed: get(case, "seed").unwrap(),
        sampler: Some(get::<String>(case, "sampler").unwrap_or("ddim".into()).parse().unwrap()),
        guidance,
        guidance_options: options,
        freeu: get(case, "freeu"),
        regions: get::<Vec<Value>>(case, "regions").unwrap_or_default().iter().map(region).collect(),
        sizes: Sizes {
            original: size("original_size"),
            crop: size("crop"),
            target: size("target_size"),
            negative_original: size("negative_original_size"),
            negative_crop: size("negative_crop"),
            negative_target: size("negative_target_size"),
        },
        ..Request::default()
    }
}

/// The scale, and the other options. The set has bounds for latents of this many values.
fn guidance(guidance: &Value, values: usize) -> (Option<f64>, GuidanceOptions) {
    let mut options = guidance.clone();
    let scale = options.as_object_mut().and_then(|options| options.remove("scale")).and_then(|scale| scale.as_f64());
    let mut options: GuidanceOptions = serde_json::from_value(options).unwrap();
    if let Some(norm) = options.apg.as_mut().and_then(|apg| apg.norm.as_mut()) {
        *norm /= (values as f64 / 16384.0).sqrt();
    }
    (scale, options)
}

fn region(region: &Value) -> RegionalPrompt {
    let area = match get::<String>(region, "mask") {
        Some(file) => Area::Mask(Mask::read(set().join(file)).unwrap()),
        None => {
            let [left, top, width, height]: [usize; 4] = get(region, "rectangle").unwrap();
            Area::Pixels(Region { left, top, right: left + width, bottom: top + height })
        }
    };
    RegionalPrompt { area, prompt: get(region, "prompt").unwrap(), weight: get(region, "weight").unwrap_or(1.0) }
}

/// With every weight changed by a relative 2e-6, the latents of the reference change by at most 1e-4 of their size; two cases differ by
/// 4e-2 at least.
const CLOSE: f32 = 1e-3;

/// What other backends than flex are tried with: one case of each kind of network call.
const FEW: [&str; 8] = [
    "sd1-two-and-one-chunks",
    "sd1-and",
    "sd1-regions",
    "sd1-sag",
    "sd1-threshold",
    "sd2v-apg",
    "sdxl-pag-rescale",
    "sdxl-freeu",
];

fn check(is_meant: impl Fn(&str, &Value) -> bool) {
    let cases = cases(is_meant);
    assert!(!cases.is_empty());
    let mut failed = Vec::new();
    for (backend, device) in devices() {
        for kind in Kind::ALL {
            let pipeline = open(kind, &device);
            let mine = cases.iter().filter(|(_, case)| case["kind"] == kind.name());
            for (name, case) in mine.filter(|(name, _)| backend == "flex" || FEW.contains(&name.as_str())) {
                let plan = pipeline.plan(&request(case)).unwrap();
                let found = pipeline.drawing(&plan).latents().unwrap().remove(0);
                let error = relative_difference(&found.values, &found.shape, &set().join("latents.safetensors"), name);
                println!("{backend} {name}: {error:.1e}");
                if error > CLOSE {
                    failed.push(format!("{backend} {name}: relative error {error:.1e}"));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

fn open(kind: Kind, device: &Device) -> Pipeline {
    Pipeline::open(TinyModel::new(kind).path(), device, DType::F32).unwrap()
}

#[test]
fn latents_drawn_with_embeddings_and_guidance_are_those_of_diffusers() {
    check(|_, case| case["by"] == "text");
}

#[test]
fn perturbed_attention_guidance_is_that_of_diffusers() {
    check(|_, case| case["by"] == "pag");
}

#[test]
fn self_attention_guidance_is_that_of_diffusers() {
    check(|_, case| case["by"] == "sag");
}

#[test]
fn prompts_of_parts_phases_and_regions_are_drawn_as_their_formulas_say() {
    check(|name, case| case.get("by").is_none() && !is_of_guidance(name));
}

#[test]
fn guidance_follows_its_formulas() {
    check(|name, case| case.get("by").is_none() && is_of_guidance(name));
}

/// Whether a case is one of guidance, and not of prompts.
fn is_of_guidance(name: &str) -> bool {
    let kinds = ["interval", "schedule", "plus-plus", "apg", "threshold", "perpendicular"];
    kinds.iter().any(|kind| name.split_once('-').is_some_and(|(_, name)| name.starts_with(kind)))
}
