use serde_json::Value;

use super::json::Json;
use crate::{ModelError, SamplerName};

/// Prefixes of classes whose noise process is not the variance-preserving one.
const OTHER_PROCESSES: [&str; 10] = [
    "CMStochasticIterative",
    "CosineDPMSolver",
    "FlowMap",
    "FlowMatch",
    "IPNDM",
    "KarrasVe",
    "SCM",
    "ScoreSde",
    "UnCLIP",
    "VQDiffusion",
];

/// Returns the sampler that corresponds to the config's class, if there is one.
///
/// # Errors
///
/// [`ModelError::Config`] if the class has another noise process.
pub fn sampler(json: &Json) -> Result<Option<SamplerName>, ModelError> {
    let has_value = |key: &str, value: Value, default: bool| json.get(key).map_or(default, |found| *found == value);
    let name = match json.get("_class_name").and_then(Value::as_str).unwrap_or_default() {
        other if OTHER_PROCESSES.iter().any(|process| other.starts_with(process)) => {
            return Err(json.error(format!(
                "this model's scheduler is {other}, whose noise process differs from that of Stable Diffusion 1.x, 2.x and \
                 XL: it is not supported"
            )));
        }
        "DDPMScheduler" | "DDPMParallelScheduler" => "ddpm",
        "DDIMScheduler" | "DDIMParallelScheduler" => "ddim",
        "PNDMScheduler" if has_value("skip_prk_steps", true.into(), false) => "plms",
        "PNDMScheduler" => "pndm",
        "EulerDiscreteScheduler" | "EDMEulerScheduler" => "euler",
        "EulerAncestralDiscreteScheduler" => "euler-a",
        "HeunDiscreteScheduler" => "heun",
        "KDPM2DiscreteScheduler" => "dpm2",
        "KDPM2AncestralDiscreteScheduler" => "dpm2-a",
        "LMSDiscreteScheduler" => "lms",
        "DPMSolverMultistepScheduler" | "EDMDPMSolverMultistepScheduler"
            if has_value("algorithm_type", "dpmsolver++".into(), true) =>
        {
            "dpm++2m"
        }
        "DPMSolverMultistepScheduler" | "EDMDPMSolverMultistepScheduler"
            if has_value("algorithm_type", "sde-dpmsolver++".into(), false) =>
        {
            "dpm++2m-sde"
        }
        "DPMSolverSDEScheduler" => "dpm++sde",
        "UniPCMultistepScheduler" if has_value("solver_type", "bh1".into(), false) => "unipc-bh1",
        "UniPCMultistepScheduler" => "unipc",
        "DEISMultistepScheduler" => "deis",
        "SASolverScheduler" => "sa-solver",
        "LCMScheduler" => "lcm",
        "TCDScheduler" => "tcd",
        _ => return Ok(None),
    };
    Ok(Some(name.parse()?))
}

/// Options of diffusers' solvers, each with its supported values; null is always supported.
const SOLVER_OPTIONS: [(&str, &[&str]); 15] = [
    ("algorithm_type", &["dpmsolver++", "sde-dpmsolver++", "deis", "data_prediction"]),
    ("corrector_order", &["2"]),
    ("disable_corrector", &["[]"]),
    ("euler_at_final", &["false"]),
    ("interpolation_type", &["linear"]),
    ("lambda_min_clipped", &[]),
    ("lower_order_final", &["true"]),
    ("predict_x0", &["true"]),
    ("predictor_order", &["2"]),
    ("sigma_max", &[]),
    ("sigma_min", &[]),
    ("solver_type", &["midpoint", "logrho", "bh2"]),
    ("tau_func", &[]),
    ("timestep_type", &["discrete"]),
    ("use_lu_lambdas", &["false"]),
];

/// Returns the first solver option with an unsupported value.
pub fn not_followed(json: &mut Json) -> Result<Option<String>, ModelError> {
    let mut first = None;
    for (key, followed) in SOLVER_OPTIONS {
        if let Some(value) = json.take::<Value>(key)? {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
            // UniPC's other B(h) is a separate sampler.
            if !followed.contains(&text.as_str()) && text != "bh1" {
                first = first.or(Some(format!("`{key}` {value}")));
            }
        }
    }
    Ok(first)
}
