//! Written configs, compared with those that the reference writes for the same networks.

use sd_golden::{Kind, data, ddpm};
use sd_model::config::write::{
    ddpm_model_index, ddpm_scheduler_config, scheduler_config, text_encoder_config, unconditional_unet_config,
    unet_config, vae_config,
};
use sd_schedule::{BetaSchedule, Prediction};
use serde_json::Value;

/// Compares each key with the file that diffusers or transformers wrote for the same network. One value there may be a list
/// with that value for every level here.
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
fn configs_match_the_references_for_the_same_networks() {
    for kind in Kind::ALL {
        let check = |file: &str, ours: &Value, except: &[&str]| check(kind.name(), file, ours, except);
        // The reference's projections around transformers are convolutions in 1.x.
        check("unet/config.json", &unet_config(&kind.unet(), 8), &["use_linear_projection"]);
        check("vae/config.json", &vae_config(&kind.vae(), 64), &["force_upcast"]);
        for (name, config) in kind.text() {
            // The key is written for all encoders, but read only for those with a projection.
            let except = if config.projection_dim.is_none() { &["projection_dim"][..] } else { &[] };
            check(&format!("{name}/config.json"), &text_encoder_config(&config), except);
        }
    }
    let scheduler = scheduler_config(BetaSchedule::ScaledLinear, 1000, 0.00085, 0.012, Prediction::V);
    check(Kind::Sd2v.name(), "scheduler/scheduler_config.json", &scheduler, &[]);

    check("ddpm", "unet/config.json", &unconditional_unet_config(&ddpm(), 32), &[]);
    check("ddpm", "model_index.json", &ddpm_model_index("DDPMScheduler"), &[]);
    let scheduler = ddpm_scheduler_config(BetaSchedule::Linear, 1000, 1e-4, 0.02, Prediction::Eps);
    check("ddpm", "scheduler/scheduler_config.json", &scheduler, &[]);
}
