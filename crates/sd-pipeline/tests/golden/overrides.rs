//! Cases in which diffusers' pipelines override a folder's configs.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use sd_golden::{Kind, TinyModel, data, difference, write_weights};
use sd_model::config::{Json, unet_config};
use sd_pipeline::{DType, Model, Pipeline, Request};
use serde_json::{Map, Value, json};

use crate::five_steps;

fn changes(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn model(file: &str, value: Value) -> TinyModel {
    let model = TinyModel::new(Kind::Sd1);
    model.change(file, &changes(value));
    model
}

fn draw(folder: &Path, request: &Request) -> Vec<u8> {
    let model = Pipeline::open(folder, &Device::flex(), DType::F32).unwrap();
    model.draw(request).unwrap().image.rgb
}

fn request(sampler: &str) -> Request {
    Request { sampler: Some(sampler.parse().unwrap()), ..five_steps::request("a red house by the sea", 7.5) }
}

#[test]
fn latents_are_never_clipped() {
    for kind in [Kind::Sd1, Kind::Sdxl] {
        let (plain, clipping) = (TinyModel::new(kind), TinyModel::new(kind));
        clipping.change_scheduler(&changes(json!({ "clip_sample": true })));
        for sampler in ["ddim", "ddpm"] {
            assert_eq!(draw(plain.path(), &request(sampler)), draw(clipping.path(), &request(sampler)), "{sampler}");
        }
    }
}

#[test]
fn the_offset_of_timesteps_is_1_but_xl_has_its_own() {
    let drawn = |kind: Kind, offset: Value| {
        let model = TinyModel::new(kind);
        model.change_scheduler(&changes(json!({ "steps_offset": offset, "timestep_spacing": "leading" })));
        draw(model.path(), &request("ddim"))
    };
    let as_published = drawn(Kind::Sd1, json!(1));
    for offset in [json!(0), json!(null), json!(2)] {
        assert_eq!(drawn(Kind::Sd1, offset), as_published);
    }
    assert_ne!(drawn(Kind::Sdxl, json!(0)), drawn(Kind::Sdxl, json!(1)));
}

#[test]
fn the_index_names_the_scheduler() {
    let model = model("model_index.json", json!({ "scheduler": ["diffusers", "EulerDiscreteScheduler"] }));
    assert_eq!(Model::open(model.path()).unwrap().summary().sampler, "euler");
}

/// The file lists them because the class that wrote it has them; another class has its own.
#[test]
fn defaults_that_a_file_lists_are_those_of_the_chosen_sampler() {
    let listed = json!({ "timestep_spacing": "leading", "_use_default_values": ["timestep_spacing"] });
    let (model, plain) = (model("scheduler/scheduler_config.json", listed), TinyModel::new(Kind::Sd1));
    assert_eq!(draw(model.path(), &request("euler")), draw(plain.path(), &request("euler")));
}

#[test]
fn a_scheduler_of_another_noise_is_refused_and_one_without_a_counterpart_is_reported() {
    for class in ["KarrasVeScheduler", "FlowMatchEulerDiscreteScheduler", "ScoreSdeVeScheduler"] {
        let model = model("model_index.json", json!({ "scheduler": ["diffusers", class] }));
        let error = Model::open(model.path()).unwrap_err().to_string();
        assert!(error.contains(class) && error.contains("scheduler_config.json"), "{error}");
    }
    let model = model("model_index.json", json!({ "scheduler": ["diffusers", "DPMSolverSinglestepScheduler"] }));
    let notes = Model::open(model.path()).unwrap().notes().join("\n");
    assert!(notes.contains("DPMSolverSinglestepScheduler") && notes.contains("ddim"), "{notes}");
}

#[test]
fn pipelines_for_other_uses_have_the_same_parts() {
    for class in ["StableDiffusionImg2ImgPipeline", "StableDiffusionControlNetPipeline", "SomebodysPipeline"] {
        let model = model("model_index.json", json!({ "_class_name": class }));
        assert_eq!(Model::open(model.path()).unwrap().summary().family, "Stable Diffusion 1.x");
    }
    let refused = |changed: Value| Model::open(model("model_index.json", changed).path()).unwrap_err().to_string();
    let without =
        refused(json!({ "_class_name": "StableDiffusionImageVariationPipeline", "text_encoder": [null, null] }));
    assert!(without.contains("0 text encoders, but this U-Net reads 1"), "{without}");
    let other = refused(json!({ "_class_name": "StableCascadePipeline", "unet": ["diffusers", "StableCascadeUNet"] }));
    assert!(other.contains("StableCascadeUNet"), "{other}");
}

#[test]
fn sizes_of_old_and_of_oblong_configs() {
    let size = |value: Value| Model::open(model("unet/config.json", value).path()).unwrap().summary().size;
    assert_eq!(size(json!({ "sample_size": 32, "_diffusers_version": "0.6.0" })), (512, 512));
    assert_eq!(size(json!({ "sample_size": 32, "_diffusers_version": "0.8.1.dev0" })), (512, 512));
    assert_eq!(size(json!({ "sample_size": 96, "_diffusers_version": "0.8.1" })), (768, 768));
    assert_eq!(size(json!({ "sample_size": 32, "_diffusers_version": "0.9.0" })), (256, 256));
    assert_eq!(size(json!({ "sample_size": 32, "_diffusers_version": "0.32.0" })), (256, 256));
    // Height and width.
    assert_eq!(size(json!({ "sample_size": [60, 80] })), (640, 480));
}

#[test]
fn unknown_keys_are_reported_once_and_those_of_a_training_are_not() {
    let notes = |value: Value| Model::open(model("unet/config.json", value).path()).unwrap().notes().to_vec();
    assert!(notes(json!({ "decay": 0.9999, "optimization_step": 7, "new_option": false })).is_empty());
    let reported = notes(json!({ "new_option": 3, "another": "x" }));
    assert_eq!(reported.len(), 1);
    assert!(
        reported[0].contains("unet/config.json") && reported[0].contains("`another` (\"x\"), `new_option` (3)"),
        "{reported:?}"
    );
}

#[test]
fn keys_that_would_change_the_image_are_refused() {
    for (file, value) in [
        ("unet/config.json", json!({ "time_cond_proj_dim": 2 })),
        ("unet/config.json", json!({ "only_cross_attention": [false, true, false, false] })),
        ("unet/config.json", json!({ "time_embedding_dim": 8 })),
        ("unet/config.json", json!({ "mid_block_type": "UNetMidBlock2DSimpleCrossAttn" })),
        ("vae/config.json", json!({ "latents_mean": [0.0, 0.0, 0.0, 0.0] })),
        ("scheduler/scheduler_config.json", json!({ "use_flow_sigmas": true })),
        ("scheduler/scheduler_config.json", json!({ "thresholding": true })),
    ] {
        let key = value.as_object().unwrap().keys().next().unwrap().clone();
        let error = Model::open(model(file, value).path()).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains(&format!("`{key}`")), "{error}");
    }
}

#[test]
fn guidance_of_1_and_below_means_no_guidance() {
    let model = TinyModel::new(Kind::Sd1);
    let drawn = |guidance: f64| draw(model.path(), &Request { guidance: Some(guidance), ..request("ddim") });
    let unguided = drawn(1.0);
    for guidance in [0.0, 0.5, -3.0] {
        assert_eq!(drawn(guidance), unguided, "{guidance}");
    }
    assert_ne!(drawn(1.01), unguided);
}

/// Golden: `golden/unets` in sd-golden.
#[test]
fn u_nets_of_other_structures_draw_as_in_diffusers() {
    for name in ["no-middle", "uneven"] {
        let (model, from) = (TinyModel::new(Kind::Sd1), data().join("unets").join(name));
        let unet = model.path().join("unet");
        fs::copy(from.join("config.json"), unet.join("config.json")).unwrap();
        let (config, _) = unet_config(&mut Json::read(&unet.join("config.json")).unwrap()).unwrap();
        let weights = unet.join("diffusion_pytorch_model.safetensors");
        write_weights("unets", name, &config.init(&Device::flex()), &weights);
        let (mean, max) = difference(&draw(model.path(), &request("ddim")), &from.join("sd1.png"));
        assert!(mean <= 0.05 && max <= 2, "{name}: mean {mean:.4}, largest {max}");
    }
}
