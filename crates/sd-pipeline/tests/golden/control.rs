//! ControlNets, T2I-Adapters and images as prompts, against diffusers.

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

use std::path::{Path, PathBuf};

use sd_golden::{Kind, TinyModel, control_networks, data, devices, relative_difference, write_control};
use sd_pipeline::{
    ControlFile, ControlImage, ControlMode, DType, Device, Image, ImageAdapterFile, ImagePrompt, Init, Inpaint, Mask,
    Model, Pipeline, Request,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

fn set() -> PathBuf {
    data().join("control")
}

fn image(name: &str) -> Image {
    Image::read(set().join(format!("{name}.png"))).unwrap()
}

fn mask(name: &str) -> Mask {
    Mask::read(set().join(format!("{name}.png"))).unwrap()
}

/// A field of a case; none if it has no such field.
fn get<T: DeserializeOwned>(case: &Value, key: &str) -> Option<T> {
    serde_json::from_value(case.get(key)?.clone()).unwrap()
}

/// A tiny model with all networks of the set.
struct Controlled {
    pipeline: Pipeline,
    /// Their names, in the order of their indices.
    controls: Vec<String>,
    adapters: Vec<String>,
}

impl Controlled {
    fn open(kind: Kind, device: &Device) -> Self {
        let (tiny, folder) = (TinyModel::new(kind), tempfile::tempdir().unwrap());
        let (mut controls, mut adapters) = (Vec::new(), Vec::new());
        let mut model = Model::open(tiny.path()).unwrap();
        for name in control_networks(kind).into_iter().filter(|name| name != "image_encoder") {
            let path = write_control(kind, &name, folder.path());
            if name.starts_with("ip") {
                model.add_image_adapter(adapter(&path)).unwrap();
                adapters.push(name);
            } else {
                model.add_control(ControlFile::open(&path).unwrap()).unwrap();
                controls.push(name);
            }
        }
        Self { pipeline: Pipeline::load(model, device, DType::F32).unwrap(), controls, adapters }
    }

    fn request(&self, case: &Value) -> Request {
        let [width, height] = get(case, "size").unwrap();
        Request {
            negative_prompt: Some("blurry".into()),
            width: Some(width),
            height: Some(height),
            steps: Some(5),
            seed: 42,
            sampler: Some(get::<String>(case, "sampler").unwrap().parse().unwrap()),
            guidance: get(case, "guidance"),
            init: get::<String>(case, "image").map(|name| Init::Image(image(&name))),
            strength: get(case, "strength"),
            inpaint: get::<String>(case, "mask").map(|name| Inpaint::new(mask(&name))),
            controls: parts(case, "controls").iter().map(|control| self.control(control, case)).collect(),
            guess_mode: get(case, "guess").unwrap_or_default(),
            image_prompts: parts(case, "image_prompts").iter().flat_map(|prompt| self.image_prompts(prompt)).collect(),
            ..Request::new("a red house by the sea")
        }
    }

    fn control(&self, control: &Value, case: &Value) -> ControlImage {
        let name: String = get(control, "network").unwrap();
        let network = self.controls.iter().position(|known| *known == name).unwrap();
        let kind = get::<usize>(control, "type");
        let kinds = self.pipeline.model().controls()[network].condition_types();
        ControlImage {
            kind: kind.map(|kind| kinds[kind].to_string()),
            preprocess: get(control, "preprocess").unwrap_or_default(),
            scale: get(control, "scale").unwrap_or(1.0),
            start: get(control, "start").unwrap_or(0.0),
            end: get(control, "end").unwrap_or(1.0),
            mode: get::<ControlMode>(case, "mode").unwrap_or_default(),
            ..ControlImage::new(network, image(&get::<String>(control, "image").unwrap()))
        }
    }

    /// In diffusers, one adapter may have a mask for each of its images, which then are prompts of their own.
    fn image_prompts(&self, prompt: &Value) -> Vec<ImagePrompt> {
        let name: String = get(prompt, "network").unwrap();
        let images: Vec<Image> = get::<Vec<String>>(prompt, "images").unwrap().iter().map(|name| image(name)).collect();
        let all = ImagePrompt {
            adapter: self.adapters.iter().position(|known| *known == name).unwrap(),
            images,
            scale: get(prompt, "scale").unwrap_or(1.0),
            start: get(prompt, "start").unwrap_or(0.0),
            end: get(prompt, "end").unwrap_or(1.0),
            layers: get(prompt, "layers").unwrap_or_default(),
            mask: None,
        };
        let Some(masks) = get::<Vec<String>>(prompt, "masks") else { return vec![all] };
        let masked = |(image, name): (&Image, &String)| ImagePrompt {
            images: vec![image.clone()],
            mask: Some(mask(name)),
            ..all.clone()
        };
        all.images.iter().zip(&masks).map(masked).collect()
    }
}

fn adapter(path: &Path) -> ImageAdapterFile {
    ImageAdapterFile::open(path, None).unwrap()
}

fn parts(case: &Value, key: &str) -> Vec<Value> {
    get(case, key).unwrap_or_default()
}

/// With every weight changed by a relative 2e-6, the latents of the reference change by at most 1e-4 of their size. Two cases differ by
/// 8e-2 at least, but for three pairs: for U-Nets with four levels, guess mode's factors are almost those of the mode `control` (9e-4
/// without guidance, 5e-3 with it), and DDIM is Euler's method (9e-3).
const CLOSE: f32 = 2e-4;

/// What other backends than flex are tried with: one case of each kind of network.
const FEW: [&str; 8] = [
    "sd1-two-windows",
    "sd1-pooled",
    "sd1-inpaint-hidden",
    "sd1-t2i-light-gray",
    "sd1-two-ips-masks",
    "sdxl-guess",
    "sdxl-union-two-scales",
    "sdxl-ip-controlnet",
];

/// Draws the cases that `is_meant` and compares their latents.
fn check(is_meant: impl Fn(&str, &Value) -> bool) {
    let text = std::fs::read_to_string(set().join("cases.json")).unwrap();
    let all: Map<String, Value> = serde_json::from_str(&text).unwrap();
    let cases: Vec<_> = all.into_iter().filter(|(name, case)| is_meant(name, case)).collect();
    assert!(!cases.is_empty());
    let mut failed = Vec::new();
    for (backend, device) in devices() {
        for kind in Kind::ALL {
            let mine = cases.iter().filter(|(_, case)| case["kind"] == kind.name());
            let mine: Vec<_> = mine.filter(|(name, _)| backend == "flex" || FEW.contains(&name.as_str())).collect();
            if mine.is_empty() {
                continue;
            }
            let controlled = Controlled::open(kind, &device);
            for (name, case) in mine {
                let mut plan = controlled.pipeline.plan(&controlled.request(case)).unwrap();
                plan.overlay = None;
                let found = controlled.pipeline.drawing(&plan).latents().unwrap().remove(0);
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

/// Whether a case has a network whose name begins with this.
fn has(case: &Value, network: &str) -> bool {
    let parts = [parts(case, "controls"), parts(case, "image_prompts")].concat();
    parts.iter().any(|part| part["network"].as_str().unwrap().starts_with(network))
}

fn has_net(case: &Value) -> bool {
    ["controlnet", "bgr", "pooled"].iter().any(|network| has(case, network))
}

#[test]
fn control_nets_steer_as_in_diffusers() {
    check(|_, case| has_net(case) && !has(case, "t2i") && !has(case, "ip") && case.get("image").is_none());
}

#[test]
fn control_nets_steer_what_begins_with_an_image() {
    check(|_, case| has_net(case) && case.get("image").is_some());
}

#[test]
fn t2i_adapters_steer_as_in_diffusers() {
    check(|_, case| has(case, "t2i"));
}

#[test]
fn a_union_network_reads_one_or_several_images() {
    check(|_, case| has(case, "union"));
}

#[test]
fn images_are_prompts_as_in_diffusers() {
    check(|_, case| has(case, "ip"));
}
