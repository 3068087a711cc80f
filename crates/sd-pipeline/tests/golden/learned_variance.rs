//! Networks that also say the variance of DDPM's noise (Nichol & Dhariwal 2021).

use burn::tensor::Device;
use sd_golden::{Kind, TinyModel, data, difference, write_weights};
use sd_model::config::write;
use sd_pipeline::{DType, Pipeline, Request};
use sd_unet::UnetConfig;
use serde_json::{Map, Value, json};

use crate::five_steps;

fn changes(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn pipeline(model: &TinyModel) -> Pipeline {
    Pipeline::open(model.path(), &Device::flex(), DType::F32).unwrap()
}

fn request(sampler: &str) -> Request {
    Request { sampler: Some(sampler.parse().unwrap()), steps: Some(10), seed: 42, ..Request::default() }
}

#[test]
fn images_of_a_pixel_model_are_those_of_diffusers() {
    for (name, sampler, scheduler) in [
        ("ddpm", "ddpm", json!({})),
        ("ddpm-v", "ddpm", json!({ "prediction_type": "v_prediction", "clip_sample": false })),
        ("dpm++2m", "dpm++2m", json!({ "timestep_spacing": "linspace" })),
    ] {
        let model = TinyModel::learned_variance();
        model.change_scheduler(&changes(scheduler));
        let found = pipeline(&model).draw(&request(sampler)).unwrap().image.rgb;
        let (mean, max) = difference(&found, &data().join(format!("learned_variance/{name}.png")));
        assert!(mean <= 0.05 && max <= 2, "{name}: mean {mean:.3}, largest {max}");
    }
}

/// With a fixed variance, the first half of the channels is all that is read.
#[test]
fn ddpm_reads_the_variance_only_if_it_is_learned() {
    let model = TinyModel::learned_variance();
    let draw = |sampler: &str, variance: &str| {
        model.change_scheduler(&changes(json!({ "variance_type": variance })));
        pipeline(&model).draw(&request(sampler)).unwrap().image.rgb
    };
    assert_ne!(draw("ddpm", "learned_range"), draw("ddpm", "fixed_small"));
    assert_eq!(draw("ddim", "learned_range"), draw("ddim", "fixed_small"));
}

#[test]
fn a_network_without_a_variance_is_refused_where_it_is_read() {
    let model = TinyModel::ddpm();
    model.change_scheduler(&changes(json!({ "variance_type": "learned_range" })));
    let error = pipeline(&model).draw(&request("ddpm")).unwrap_err().to_string();
    assert!(error.contains("ddpm is to read a learned variance") && error.contains("`out_channels`"), "{error}");
    assert!(pipeline(&model).draw(&request("ddim")).is_ok());
}

#[test]
fn a_network_with_a_text_may_say_the_variance_too() {
    let (kind, model) = (Kind::Sd1, TinyModel::new(Kind::Sd1));
    let unet = UnetConfig { out_channels: 8, ..kind.unet() };
    let folder = model.path().join("unet");
    std::fs::write(folder.join("config.json"), write::unet_config(&unet, 8).to_string()).unwrap();
    write_weights("sd1", "unet", &unet.init(&Device::flex()), &folder.join("diffusion_pytorch_model.safetensors"));
    let draw = |sampler: &str, variance: &str, guidance: f64| {
        model.change_scheduler(&changes(json!({ "variance_type": variance })));
        let request = five_steps::request("a red house", guidance);
        pipeline(&model).draw(&Request { sampler: Some(sampler.parse().unwrap()), ..request }).unwrap().image.rgb
    };
    for guidance in [1.0, 7.5] {
        assert_eq!(draw("ddim", "learned_range", guidance), draw("ddim", "fixed_small", guidance));
        assert_ne!(draw("ddpm", "learned_range", guidance), draw("ddpm", "fixed_small", guidance));
    }
}
