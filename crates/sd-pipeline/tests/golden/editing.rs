//! Images that begin with an image, against diffusers.

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

use std::path::PathBuf;

use sd_golden::{Kind, TinyModel, data, devices, difference};
use sd_pipeline::{DType, Device, Fit, Image, Init, Inpaint, Mask, Pipeline, Plan, Request, SamplerOption};
use serde_json::{Map, Value};

fn set() -> PathBuf {
    data().join("editing")
}

/// The cases of a task: their names and settings.
fn cases(task: &str) -> Vec<(String, Map<String, Value>)> {
    let text = std::fs::read_to_string(set().join("cases.json")).unwrap();
    let all: Map<String, Value> = serde_json::from_str(&text).unwrap();
    let all = all.into_iter().map(|(name, case)| (name, case.as_object().unwrap().clone()));
    all.filter(|(_, case)| case["pipeline"] == task).collect()
}

fn text(case: &Map<String, Value>, key: &str) -> Option<String> {
    case.get(key)?.as_str().map(str::to_string)
}

fn number(case: &Map<String, Value>, key: &str) -> Option<f64> {
    case.get(key)?.as_f64()
}

fn request(case: &Map<String, Value>) -> Request {
    let read_mask = |key| text(case, key).map(|file| Mask::read(set().join(file)).unwrap());
    let padding = number(case, "padding").map(|padding| padding as usize);
    Request {
        negative_prompt: text(case, "negative"),
        sampler: text(case, "sampler").map(|name| name.parse().unwrap()),
        schedule: text(case, "schedule").map(|name| name.parse().unwrap()),
        steps: number(case, "steps").map(|steps| steps as usize),
        guidance: number(case, "guidance"),
        options: number(case, "eta").map(|eta| (SamplerOption::Eta, eta)).into_iter().collect(),
        seed: number(case, "seed").unwrap() as u64,
        init: text(case, "image").map(|file| Init::Image(Image::read(set().join(file)).unwrap())),
        strength: number(case, "strength"),
        resize: Fit::Stretch,
        inpaint: read_mask("mask").map(|mask| Inpaint { only_masked: padding, ..Inpaint::new(mask) }),
        // diffusers draws the crop at the size of the call.
        width: padding.and(number(case, "width")).map(|width| width as usize),
        height: padding.and(number(case, "height")).map(|height| height as usize),
        depth: read_mask("depth"),
        image_guidance: number(case, "image_guidance"),
        ..Request::new(text(case, "prompt").unwrap())
    }
}

fn kind(case: &Map<String, Value>) -> Kind {
    let all = [Kind::Sd1, Kind::Sd2v, Kind::Sdxl, Kind::Refiner];
    all.into_iter().find(|kind| case["kind"] == kind.name()).unwrap()
}

fn pipeline(case: &Map<String, Value>, device: &Device) -> Pipeline {
    let model = match number(case, "channels") {
        None => TinyModel::new(kind(case)),
        Some(channels) => TinyModel::with_channels(kind(case), channels as usize),
    };
    Pipeline::open(model.path(), device, DType::F32).unwrap()
}

/// What other backends than flex are tried with: one case of each kind of start and of input channels.
const FEW: [&str; 7] = [
    "sd1-ddim",
    "sdxl-euler-a",
    "refiner-euler",
    "sd1-inpaint-heun",
    "sd1-inpaint9-ddim-strength0.58",
    "sd1-pix2pix-ddim",
    "sd1-depth-ddim",
];

/// Draws the cases of a task on every backend and compares them. `tolerance` gives the mean and the largest difference, of 255, for each case.
fn check(task: &str, tolerance: impl Fn(&str) -> (f64, u8)) {
    let cases = cases(task);
    assert!(!cases.is_empty());
    let mut failed = Vec::new();
    let on_all = devices().into_iter().flat_map(|device| cases.iter().map(move |case| (device.clone(), case)));
    for ((backend, device), (name, case)) in
        on_all.filter(|((backend, _), (name, _))| *backend == "flex" || FEW.contains(&name.as_str()))
    {
        let pipeline = pipeline(case, &device);
        let request = request(case);
        let mut plan = pipeline.plan(&request).unwrap();
        if !case.contains_key("padding") {
            // As the network drew it.
            plan.overlay = None;
        }
        let found = pipeline.drawing(&plan).run().unwrap().image;
        let (mean, max) = difference(&found.rgb, &set().join(format!("expected/{name}.png")));
        println!("{backend} {name}: mean {mean:.4}, largest {max}");
        // The tolerances of `images.rs`.
        let (most, largest) = if backend == "flex" { tolerance(name) } else { (0.2, 3) };
        if mean > most || max > largest {
            failed.push(format!("{backend} {name}: mean {mean:.3}, largest {max}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// In diffusers, PNDM begins one level too high and stays one level behind, and LMS begins with weights of order 4 but only one slope.
/// Here both converge from the middle of their levels (`sd-samplers/tests/truth/middle.rs`).
const FAULTY: [&str; 2] = ["sd1-lms", "sd1-plms"];

#[test]
fn image_to_image_is_that_of_diffusers() {
    check("img2img", |name| if FAULTY.contains(&name) { (9.0, 80) } else { (0.05, 2) });
}

#[test]
fn inpainting_is_that_of_diffusers() {
    check("inpaint", |_| (0.05, 2));
}

#[test]
fn editing_by_instruction_is_that_of_diffusers() {
    check("pix2pix", |_| (0.05, 2));
}

#[test]
fn drawing_into_depths_is_that_of_diffusers() {
    check("depth", |_| (0.05, 2));
}

#[test]
fn the_refiner_continues_as_in_diffusers() {
    let [base, refiner] = [Kind::Sdxl, Kind::Refiner]
        .map(|kind| Pipeline::open(TinyModel::new(kind).path(), &Device::flex(), DType::F32).unwrap());
    for (name, case) in cases("refine") {
        let start = number(&case, "refiner_start");
        let size = |key| number(&case, key).map(|size| size as usize);
        let first = Request { width: size("width"), height: size("height"), denoising_end: start, ..request(&case) };
        let latents = base.drawing(&base.plan(&first).unwrap()).latents().unwrap().remove(0);
        let second = Request { init: Some(Init::Unfinished(latents)), denoising_start: start, ..request(&case) };
        let plan: Plan = refiner.plan(&second).unwrap();
        let found = refiner.drawing(&plan).run().unwrap().image;
        let (mean, max) = difference(&found.rgb, &set().join(format!("expected/{name}.png")));
        println!("{name}: mean {mean:.4}, largest {max}");
        // diffusers' base ends in the middle of a step of Heun's method, and its refiner begins with that step.
        let (most, largest) = if name == "refined-heun" { (1.0, 8) } else { (0.05, 2) };
        assert!(mean <= most && max <= largest, "{name}: mean {mean:.3}, largest {max}");
    }
}

#[test]
fn a_plan_with_images_is_kept_as_json_and_drawn_again() {
    let all = cases("inpaint");
    let (_, case) = all.iter().find(|(name, _)| name == "sd1-inpaint-padding8").unwrap();
    let pipeline = pipeline(case, &Device::flex());
    let request = request(case);
    let kept = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&kept).unwrap(), request);
    let plan = pipeline.plan(&request).unwrap();
    let again: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan);
    assert_eq!(pipeline.drawing(&again).run().unwrap().image, pipeline.drawing(&plan).run().unwrap().image);
}
