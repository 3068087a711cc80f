//! Configs as they are written, beside those that the reference wrote for the same networks.

use sd_golden::{Kind, data, ddpm};
use sd_model::config::write::{
    ddpm_model_index, ddpm_scheduler_config, scheduler_config, text_encoder_config, unconditional_unet_config,
    unet_config, vae_config,
};
use sd_schedule::{BetaSchedule, Prediction};
use serde_json::Value;

/// Checks each key against the file that diffusers or transformers wrote for the same network; one value there may be a
/// list of as many as the levels here.
fn check(kind: &str, file: &str, ours: &Value, except: &[&str]) {
    let file = data().join("models").join(kind).join("model").join(file);
    let theirs: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for (key, ours) in ours.as_object().unwrap() {
        let theirs = &theirs[key];
        let is_repeated = ours.as_array().is_some_and(|each| each.iter().all(|one| one == theirs));
        assert!(ours == theirs || is_repeated || except.contains(&key.as_str()), "{key}: {ours} for {theirs}");
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
