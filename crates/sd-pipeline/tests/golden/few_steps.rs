//! Models made for few steps, drawn without a word about sampler, steps and guidance, against diffusers: `golden/few_steps` in
//! sd-golden.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use sd_golden::{
    Kind, TinyModel, assert_close, data, devices, difference, noise, seeded, write_tensors, write_weights,
};
use sd_model::config::{Json, unet_config};
use sd_pipeline::{
    Choices, Conditions, DType, Distillation, Evidence, FewSteps, GuidanceOptions, Image, Init, Lora, Model, Origin,
    Pipeline, Plan, Prediction, Request, convert,
};
use sd_unet::UnetConfig;
use sd_weights::Form;
use sd_weights::single_file::Family;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::lora::{kohya, peft};

const PROMPT: &str = "a red house by the sea";

fn set() -> PathBuf {
    data().join("few_steps")
}

fn unet_of(folder: &Path) -> UnetConfig {
    unet_config(&mut Json::read(&folder.join("config.json")).unwrap()).unwrap().0
}

fn changes(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Moves a tiny model to a folder of this name, with one of the set's U-Nets if one is named.
fn named(kind: Kind, name: &str, unet: Option<&str>) -> (TempDir, PathBuf) {
    let tiny = TinyModel::new(kind);
    if let Some(unet) = unet {
        let (from, to) = (set().join(unet), tiny.path().join("unet"));
        fs::copy(from.join("config.json"), to.join("config.json")).unwrap();
        let network = unet_of(&from).init(&Device::flex());
        write_weights("few_steps", unet, &network, &to.join("diffusion_pytorch_model.safetensors"));
    }
    if unet == Some("sdxs") {
        // The published model has a tiny autoencoder, and this scheduler.
        let vae = TinyModel::vae_tiny();
        for file in ["config.json", "diffusion_pytorch_model.safetensors"] {
            fs::copy(vae.path().join(file), tiny.path().join("vae").join(file)).unwrap();
        }
        tiny.change("model_index.json", &changes(json!({ "scheduler": ["diffusers", "DEISMultistepScheduler"] })));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::rename(tiny.path(), &path).unwrap();
    (folder, path)
}

fn kind_of(case: &Value) -> Kind {
    if case["kind"] == "sdxl" { Kind::Sdxl } else { Kind::Sd1 }
}

/// The model of a case, with its LoRA.
fn open(case: &Value) -> (TempDir, Model) {
    let kind = kind_of(case);
    let (folder, path) = named(kind, case["model"].as_str().unwrap(), case["unet"].as_str());
    let mut model = Model::open(path).unwrap();
    if let Some([layout, name]) = case["lora"].as_array().map(Vec::as_slice) {
        let file = folder.path().join(format!("{}.safetensors", name.as_str().unwrap()));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        write_tensors(&if layout == "kohya" { kohya(kind) } else { peft(kind, "peft") }, &file);
        model.merge(Lora::open(&file, 1.0).unwrap()).unwrap();
    }
    (folder, model)
}

fn request() -> Request {
    Request { width: Some(64), height: Some(64), seed: 42, ..Request::new(PROMPT) }
}

fn draw(model: Model, request: &Request) -> Image {
    Pipeline::load(model, &Device::flex(), DType::F32).unwrap().draw(request).unwrap().image
}

fn cases() -> Map<String, Value> {
    serde_json::from_str(&fs::read_to_string(set().join("cases.json")).unwrap()).unwrap()
}

#[test]
fn every_kind_is_drawn_as_its_authors_recommend_and_as_in_diffusers() {
    let cases = cases();
    assert_eq!(cases.len(), 17);
    for (name, case) in &cases {
        let (_folder, model) = open(case);
        let settings = Plan::new(&model, &request()).unwrap().settings;
        let sampling = settings.sampling;
        assert_eq!(sampling.sampler.value.to_string(), case["sampler"].as_str().unwrap(), "{name}");
        assert_eq!(sampling.steps.value as u64, case["steps"].as_u64().unwrap(), "{name}");
        assert_eq!(settings.guidance.unwrap().value, case["guidance"].as_f64().unwrap(), "{name}");
        let found = draw(model, &request()).rgb;
        let (mean, max) = difference(&found, &set().join(format!("{name}.png")));
        assert!(mean <= 0.05 && max <= 2, "{name}: mean {mean:.4}, largest {max}");
    }
}

#[test]
fn a_u_net_that_reads_the_guidance_scale_matches_the_reference() {
    let (config, expected) = (unet_of(&set().join("lcm")), set().join("networks.safetensors"));
    for (name, device) in devices() {
        let unet = sd_ops::lay_out(seeded("few_steps", "lcm", config.init(&device)));
        let x: Tensor<4> = noise("x", [2, 4, 8, 12], &device);
        let conditions = Conditions::new(noise("context", [2, 7, 32], &device));
        for scale in [1.0, 2.5, 8.5] {
            let out = unet.forward(x.clone(), &[981.0, 21.0], &conditions.clone().with_guidance(scale));
            assert_close(out, &expected, &format!("guidance {scale:?}"), name);
        }
    }
}

fn few_steps(model: &Model) -> FewSteps {
    model.few_steps().unwrap()
}

/// The network is called once a step, whatever the scale, and does not read the negative prompt.
#[test]
fn an_embedded_guidance_scale_changes_the_image_and_costs_nothing() {
    let (_folder, path) = named(Kind::Sd1, "distilled", Some("lcm"));
    let model = Model::open(&path).unwrap();
    assert_eq!((few_steps(&model).distillation, few_steps(&model).evidence), (Distillation::Lcm, Evidence::Config));
    let plan = |request| Plan::new(&model, &request);
    let guided = plan(Request { guidance: Some(3.0), ..request() }).unwrap();
    assert!(!guided.settings.is_guided() && guided.settings.embeds_guidance);
    assert_eq!((guided.calls(&model).unwrap(), guided.workload().rows), (4, 1));
    let scheduled = GuidanceOptions { schedule: Some("3x2+1x2".parse().unwrap()), ..GuidanceOptions::default() };
    let refused = plan(Request { guidance_options: scheduled, ..request() }).unwrap_err().to_string();
    assert!(refused.contains("reads the guidance scale itself"), "{refused}");
    let pipeline = Pipeline::load(model, &Device::flex(), DType::F32).unwrap();
    let draw = |request| pipeline.draw(&request).unwrap().image;
    let drawn = draw(Request { guidance: Some(3.0), ..request() });
    assert!(drawn != draw(request()));
    assert!(drawn == draw(Request { guidance: Some(3.0), negative_prompt: Some("blurry".into()), ..request() }));
    // A plan of the same request for a network without it is of another model.
    let tiny = TinyModel::new(Kind::Sd1);
    let plain = Model::open(tiny.path()).unwrap();
    let mut other = Plan::new(&plain, &request()).unwrap();
    other.settings.embeds_guidance = true;
    assert!(Pipeline::load(plain, &Device::flex(), DType::F32).unwrap().drawing(&other).run().is_err());
}

#[test]
fn requests_decide_before_the_distillation() {
    let (_folder, path) = named(Kind::Sdxl, "sdxl_lightning_4step", None);
    let model = Model::open(&path).unwrap();
    let plan = |request| Plan::new(&model, &request).unwrap().settings;
    let own = plan(request()).sampling;
    assert_eq!([own.sampler.origin, own.steps.origin, own.levels.origin], [Origin::Model; 3]);
    let requested = Request {
        sampler: Some("dpm++2m".parse().unwrap()),
        steps: Some(6),
        guidance: Some(3.0),
        schedule: Some("karras".parse().unwrap()),
        ..request()
    };
    let settings = plan(requested);
    let sampling = &settings.sampling;
    assert_eq!((sampling.sampler.value.to_string().as_str(), sampling.steps.value), ("dpm++2m", 6));
    assert_eq!((settings.guidance.unwrap().value, sampling.levels.origin), (3.0, Origin::Request));
    // Another sampler alone still begins at the last timestep.
    let other = plan(Request { sampler: Some("ddim".parse().unwrap()), ..request() }).sampling;
    assert_eq!(other.levels.value.first(), own.levels.value.first());
}

#[test]
fn listed_timesteps_are_for_their_number_of_steps() {
    let (_folder, path) = named(Kind::Sdxl, "dmd2_sdxl_4step_unet", None);
    let model = Model::open(&path).unwrap();
    let schedule = |steps| {
        let sampling = Plan::new(&model, &Request { steps, ..request() }).unwrap().settings.sampling;
        (sampling.schedule.map(|schedule| schedule.to_string()), sampling.levels.value.steps())
    };
    assert_eq!(schedule(None), (Some("timesteps:999,749,499,249".into()), 4));
    assert_eq!(schedule(Some(8)), (None, 8));
}

/// SDXL-Turbo's authors recommend as many steps that one is left.
#[test]
fn of_an_initial_image_one_step_is_made() {
    let (_folder, path) = named(Kind::Sdxl, "sdxl-turbo", None);
    let model = Model::open(&path).unwrap();
    let image = Image { width: 64, height: 64, rgb: vec![128; 3 * 64 * 64] };
    for (strength, steps) in [(Some(0.5), 2), (None, 2), (Some(0.3), 4), (Some(1.0 / 49.0), 50), (Some(1.0), 1)] {
        let request = Request { init: Some(Init::Image(image.clone())), strength, ..Request::new(PROMPT) };
        let sampling = Plan::new(&model, &request).unwrap().settings.sampling;
        assert_eq!((sampling.steps.value, sampling.made.len()), (steps, 1), "{strength:?}");
    }
}

#[test]
fn a_lora_without_strength_makes_no_model_for_few_steps() {
    let (folder, path) = named(Kind::Sd1, "base", None);
    let file = folder.path().join("lcm-lora-sdv1-5.safetensors");
    write_tensors(&kohya(Kind::Sd1), &file);
    let mut model = Model::open(&path).unwrap();
    assert_eq!(model.few_steps(), None);
    model.merge(Lora::open(&file, 0.8).unwrap()).unwrap();
    assert_eq!((few_steps(&model).distillation, model.own_few_steps()), (Distillation::Lcm, None));
    model.set_lora_scale(0, 0.0).unwrap();
    assert_eq!(model.few_steps(), None);
}

#[test]
fn a_config_that_was_written_for_few_steps_keeps_its_sampler() {
    let told = |name: &str, class: &str, scheduler: Value| {
        let tiny = TinyModel::new(Kind::Sd1);
        tiny.change("model_index.json", &changes(json!({ "scheduler": ["diffusers", class] })));
        tiny.change_scheduler(&changes(scheduler));
        let folder = tempfile::tempdir().unwrap();
        fs::rename(tiny.path(), folder.path().join(name)).unwrap();
        Model::open(folder.path().join(name)).unwrap().few_steps()
    };
    let trailing = json!({ "timestep_spacing": "trailing" });
    let turbo = told("sd-turbo", "EulerDiscreteScheduler", trailing.clone()).unwrap();
    assert_eq!((turbo.sampler, turbo.steps), (None, 1));
    let lightning = told("my_lightning_4steps", "DDIMScheduler", json!({})).unwrap();
    assert_eq!((lightning.sampler.unwrap().to_string().as_str(), lightning.steps), ("euler", 4));
    let tcd = told("base", "TCDScheduler", json!({})).unwrap();
    assert_eq!((tcd.distillation, tcd.evidence, tcd.sampler), (Distillation::Tcd, Evidence::Config, None));
    assert_eq!(told("base", "EulerDiscreteScheduler", trailing), None);
}

#[test]
fn a_u_net_of_another_file_brings_its_name_and_its_guidance() {
    let (folder, path) = named(Kind::Sd1, "base", None);
    let file = folder.path().join("LCM_unet.safetensors");
    write_weights("few_steps", "lcm", &unet_of(&set().join("lcm")).init(&Device::flex()), &file);
    let model = Model::open_with(&path, &Choices { unet: Some(file), ..Choices::default() }).unwrap();
    assert!(model.embeds_guidance());
    let (mean, max) = difference(&draw(model, &request()).rgb, &set().join("lcm.png"));
    assert!(mean <= 0.05 && max <= 2, "mean {mean:.4}, largest {max}");
}

#[test]
fn a_network_for_one_step_that_predicts_the_image_is_told_by_its_name() {
    let (_folder, path) = named(Kind::Sdxl, "sdxl_lightning_1step_x0", None);
    assert_eq!(Model::open(&path).unwrap().summary().prediction, "x0");
    let chosen = Choices { prediction: Some(Prediction::Eps), ..Choices::default() };
    assert_eq!(Model::open_with(&path, &chosen).unwrap().summary().prediction, "eps");
}

#[test]
fn a_converted_model_is_recognised_under_any_name() {
    let tiny = TinyModel::new(Kind::Conventional(Family::Sd1));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sd15_lightning_2step");
    fs::rename(tiny.path(), &path).unwrap();
    for name in ["copy", "copy.safetensors", "copy.gguf"] {
        let to = folder.path().join(name);
        convert(&path, &to, Form::Own, &Choices::default(), &mut |_| ControlFlow::Continue(())).unwrap();
        let found = few_steps(&Model::open(&to).unwrap());
        let expected = (Distillation::Lightning, Evidence::Metadata, 2);
        assert_eq!((found.distillation, found.evidence, found.steps), expected, "{name}");
    }
}

#[test]
fn a_converted_network_that_predicts_the_image_still_does() {
    let (folder, path) = named(Kind::Sdxl, "sdxl_lightning_1step_x0", None);
    let to = folder.path().join("copy");
    convert(&path, &to, Form::Own, &Choices::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(Model::open(&to).unwrap().summary().prediction, "x0");
}
