//! Parts as they are written to a model folder: configs as the reference writes them, weights as they are read.

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_golden::{Kind, data, ddpm, later_ddpm};
use sd_schedule::{BetaSchedule, Prediction};
use sd_train::diffusers::{
    ddpm_model_index, ddpm_scheduler_config, scheduler_config, text_encoder_config, unconditional_unet_config,
    unet_config, vae_config,
};
use sd_train::initialise;
use sd_weights::{Weights, save};
use serde_json::Value;

use crate::numbers::numbers;

/// Checks each key against the file that diffusers or transformers wrote for the same network; one value there may be a
/// list of as many as the levels here.
fn check(kind: &str, file: &str, ours: &Value, except: &[&str]) {
    let file = data().join("models").join(kind).join("model").join(file);
    let theirs: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for (key, ours) in ours.as_object().unwrap() {
        let theirs = &theirs[key];
        let is_spread = ours.as_array().is_some_and(|each| each.iter().all(|one| one == theirs));
        assert!(ours == theirs || is_spread || except.contains(&key.as_str()), "{key}: {ours} for {theirs}");
    }
}

#[test]
fn configs_say_what_the_reference_says_of_the_same_networks() {
    for kind in Kind::ALL {
        let check = |file: &str, ours: &Value, except: &[&str]| check(kind.name(), file, ours, except);
        // Their projections around transformers are convolutions in 1.x.
        check("unet/config.json", &unet_config(&kind.unet(), 8), &["use_linear_projection"]);
        check("vae/config.json", &vae_config(&kind.vae(), 64), &["force_upcast"]);
        for (name, config) in kind.text() {
            // Written for all encoders, though only read for those with a projection.
            let except = if config.projection_dim.is_none() { &["projection_dim"][..] } else { &[] };
            check(&format!("{name}/config.json"), &text_encoder_config(&config), except);
        }
    }
    let scheduler = scheduler_config(BetaSchedule::ScaledLinear, 1000, 0.00085, 0.012, Prediction::V);
    check(Kind::Sd2v.name(), "scheduler/scheduler_config.json", &scheduler, &[]);

    check("ddpm", "unet/config.json", &unconditional_unet_config(&ddpm(), 32), &[]);
    check("ddpm", "model_index.json", &ddpm_model_index(), &[]);
    let scheduler = ddpm_scheduler_config(BetaSchedule::Linear, 1000, 1e-4, 0.02, Prediction::Eps);
    check("ddpm", "scheduler/scheduler_config.json", &scheduler, &[]);
}

fn check_round_trip<M: Module>(module: M) {
    let folder = tempfile::tempdir().unwrap();
    let (module, other) = (initialise(module.clone(), 1), initialise(module, 2));
    let file = folder.path().join("model.safetensors");
    save(&module, &file, FloatDType::F32).unwrap();
    let load = |other| Weights::in_folder(folder.path(), "model").unwrap().load(other, FloatDType::F32).unwrap();
    let loaded = load(other);
    assert_eq!(numbers(&loaded), numbers(&module));
    // In half precision: rounded once, and then no more.
    save(&module, &file, FloatDType::F16).unwrap();
    let rounded = load(loaded);
    assert_ne!(numbers(&rounded), numbers(&module));
    save(&rounded, &file, FloatDType::F16).unwrap();
    assert_eq!(numbers(&load(module)), numbers(&rounded));
}

#[test]
fn every_part_of_every_family_comes_back_bit_for_bit() {
    let device = Device::flex();
    for kind in Kind::ALL {
        check_round_trip(kind.unet().init(&device));
        check_round_trip(kind.vae().init(&device));
        kind.text().into_iter().for_each(|(_, config)| check_round_trip(config.init(&device)));
    }
    check_round_trip(ddpm().init(&device));
    check_round_trip(later_ddpm().init(&device));
}
