use sd_schedule::{BetaSchedule, Edm, Prediction, Ramp};
use serde_json::{Value, json};

/// Returns `scheduler/scheduler_config.json` for DDIM, with betas from `start` to `end` over `timesteps`.
pub fn scheduler_config(betas: BetaSchedule, timesteps: usize, start: f64, end: f64, prediction: Prediction) -> Value {
    let mut config = noise(betas, timesteps, start, end, prediction);
    config["_class_name"] = "DDIMScheduler".into();
    config["clip_sample"] = false.into();
    config["set_alpha_to_one"] = false.into();
    config["steps_offset"] = 1.into();
    config
}

/// Returns `scheduler/scheduler_config.json` for DDPM, with betas from `start` to `end` over `timesteps`.
///
/// Denoised images are clipped to the range −1 to 1, and the variance is `fixed_small`.
pub fn ddpm_scheduler_config(
    betas: BetaSchedule,
    timesteps: usize,
    start: f64,
    end: f64,
    prediction: Prediction,
) -> Value {
    let mut config = noise(betas, timesteps, start, end, prediction);
    config["_class_name"] = "DDPMScheduler".into();
    config["clip_sample"] = true.into();
    config["variance_type"] = "fixed_small".into();
    config
}

/// Returns `scheduler/scheduler_config.json` for Euler's method with the noise process of EDM.
pub fn edm_scheduler_config(edm: &Edm) -> Value {
    let (ramp, rho) = match edm.ramp() {
        Ramp::Karras { rho } => ("karras", rho),
        Ramp::Exponential => ("exponential", 7.0),
    };
    let prediction = if edm.is_velocity() { Prediction::V } else { Prediction::Eps };
    json!({
        "_class_name": "EDMEulerScheduler",
        "num_train_timesteps": edm.timesteps(),
        "prediction_type": prediction.name(),
        "rho": rho,
        "sigma_data": edm.sigma_data(),
        "sigma_max": edm.sigma_max(),
        "sigma_min": edm.sigma_min(),
        "sigma_schedule": ramp,
    })
}

/// Returns the keys of every variance-preserving scheduler's config.
fn noise(betas: BetaSchedule, timesteps: usize, start: f64, end: f64, prediction: Prediction) -> Value {
    json!({
        "beta_end": end,
        "beta_schedule": betas.name(),
        "beta_start": start,
        "num_train_timesteps": timesteps,
        "prediction_type": prediction.name(),
    })
}
