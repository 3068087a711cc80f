//! Whole images against diffusers, on every backend of this build.
//!
//! With every weight changed by a relative 2e-6, diffusers itself draws them with a mean difference of 0.001 (of 255).

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

use sd_golden::{Kind, TinyModel, data, devices, difference};
use sd_pipeline::{DType, Pipeline, Request, SamplerOption, device_by_name, device_info, device_names, is_processor};
use serde_json::Value;

fn request(case: &Value) -> Request {
    let number = |key: &str| case[key].as_f64().unwrap();
    Request {
        negative_prompt: case["negative"].as_str().map(str::to_string),
        width: Some(number("width") as usize),
        height: Some(number("height") as usize),
        sampler: Some(case["sampler"].as_str().unwrap().parse().unwrap()),
        steps: Some(number("steps") as usize),
        guidance: case["guidance"].as_f64(),
        options: case["eta"]
            .as_f64()
            .filter(|eta| *eta > 0.0)
            .map(|eta| (SamplerOption::Eta, eta))
            .into_iter()
            .collect(),
        schedule: case["schedule"].as_str().map(|name| name.parse().unwrap()),
        seed: number("seed") as u64,
        prompt: case["prompt"].as_str().map(str::to_string),
        ..Request::default()
    }
}

/// On the processor the weights are in half precision, as in the files' f16, and so are products if it has such
/// instructions. With the 8 bits of bf16, images keep a mean difference of 0.46 (of 255), 4 at most; where all factors are
/// rounded, as in tiles, of 0.73, 5 at most (so rounded in PyTorch). On a GPU all values
/// between the layers are in half precision too.
#[test]
fn half_precision_draws_nearly_the_same() {
    let gpus = device_names().filter(|(name, compiled)| *compiled && !is_processor(name)).map(|(name, _)| name);
    let devices: Vec<_> = ["flex"].into_iter().chain(gpus).collect();
    for kind in [Kind::Sd1, Kind::Sdxl] {
        let (model, expected) = (TinyModel::new(kind), kind.data().join("expected"));
        let cases = std::fs::read_to_string(expected.join("cases.json")).unwrap();
        let cases: serde_json::Map<String, Value> = serde_json::from_str(&cases).unwrap();
        for name in &devices {
            let precisions = device_info(name).unwrap().precisions;
            for dtype in precisions.into_iter().filter(|dtype| *dtype != DType::F32) {
                let pipeline = Pipeline::open(model.path(), &device_by_name(name).unwrap(), dtype).unwrap();
                let found = pipeline.draw(&request(&cases["ddim-10"])).unwrap().image.rgb;
                let (mean, max) = difference(&found, &expected.join("ddim-10.png"));
                println!("{name} {dtype} {kind:?}: mean {mean:.4}, largest {max}");
                let (most, largest) = match (dtype, *name) {
                    (DType::F16, "flex") => (0.05, 2),
                    _ => (1.0, 10),
                };
                assert!(mean <= most && max <= largest, "{kind:?} in {dtype} on {name}: mean {mean:.3}, largest {max}");
            }
        }
    }
}

fn check(kind: &str, make: impl Fn() -> TinyModel) {
    let (model, expected) = (make(), data().join("models").join(kind).join("expected"));
    let cases = std::fs::read_to_string(expected.join("cases.json")).unwrap();
    let cases: serde_json::Map<String, Value> = serde_json::from_str(&cases).unwrap();
    for (backend, device) in devices() {
        let open = |model: &TinyModel| Pipeline::open(model.path(), &device, DType::F32).unwrap();
        let pipeline = open(&model);
        // Samplers only add, subtract and scale. A few are enough to test a device; all of them run on the first one.
        let few = ["ddim-10", "ddim-7", "ddim-10-eta1", "ddim-10-no-guidance", "plms-10", "ddpm-10", "dpm++2m-10"];
        for (name, case) in cases.iter().filter(|(name, _)| backend == "flex" || few.contains(&name.as_str())) {
            let found = match case["config"].as_object() {
                None => pipeline.draw(&request(case)),
                Some(changes) => {
                    let model = make();
                    model.change_scheduler(changes);
                    open(&model).draw(&request(case))
                }
            };
            let found = found.unwrap().image.rgb;
            let (mean, max) = difference(&found, &expected.join(format!("{name}.png")));
            println!("{backend} {kind} {name}: mean {mean:.4}, largest {max}");
            let (most, largest) = if backend == "flex" { (0.05, 2) } else { (0.2, 3) };
            assert!(mean <= most && max <= largest, "{kind} {name} on {backend}: mean {mean:.3}, largest {max}");
        }
    }
}

#[test]
fn images_of_a_tiny_sd1_are_those_of_diffusers() {
    check("sd1", || TinyModel::new(Kind::Sd1));
}

#[test]
fn images_of_a_tiny_sd2_with_v_prediction_are_those_of_diffusers() {
    check("sd2v", || TinyModel::new(Kind::Sd2v));
}

#[test]
fn images_of_a_tiny_sdxl_are_those_of_diffusers() {
    check("sdxl", || TinyModel::new(Kind::Sdxl));
}

#[test]
fn images_of_a_tiny_ddpm_are_those_of_diffusers() {
    check("ddpm", TinyModel::ddpm);
}
