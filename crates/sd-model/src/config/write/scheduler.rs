use sd_schedule::{BetaSchedule, Prediction};
use serde_json::{Value, json};

/// `scheduler/scheduler_config.json`, for DDIM, with betas from `start` to `end` over `timesteps`.
pub fn scheduler_config(betas: BetaSchedule, timesteps: usize, start: f64, end: f64, prediction: Prediction) -> Value {
    let mut config = noise(betas, timesteps, start, end, prediction);
    config["_class_name"] = "DDIMScheduler".into();
    config["clip_sample"] = false.into();
    config["set_alpha_to_one"] = false.into();
    config["steps_offset"] = 1.into();
    config
}

/// `scheduler/scheduler_config.json`, for DDPM, with betas from `start` to `end` over `timesteps`.
///
/// Denoised images are clipped to −1 to 1, and the noise has the small variance.
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

/// The keys that every scheduler's config has.
fn noise(betas: BetaSchedule, timesteps: usize, start: f64, end: f64, prediction: Prediction) -> Value {
    json!({
        "beta_end": end,
        "beta_schedule": match betas {
            BetaSchedule::Linear => "linear",
            BetaSchedule::ScaledLinear => "scaled_linear",
            BetaSchedule::SquaredCosCapV2 => "squaredcos_cap_v2",
            BetaSchedule::Sigmoid => "sigmoid",
        },
        "beta_start": start,
        "num_train_timesteps": timesteps,
        "prediction_type": prediction.name(),
    })
}
