use std::path::Path;

use sd_samplers::Variance;
use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction, Spacing};

use super::json::Json;
use crate::{Error, SamplerName};

/// What `scheduler/scheduler_config.json` says, whichever class of diffusers wrote it.
///
/// What it leaves out is the default of the class that the chosen sampler corresponds to, hence the options.
#[derive(Debug)]
pub(crate) struct SchedulerConfig {
    /// The noise of the training.
    pub schedule: NoiseSchedule,
    /// What the network predicts.
    pub prediction: Prediction,
    /// Which timesteps are visited.
    pub spacing: Spacing,
    /// Whether the last step goes to no noise at all, rather than to the smallest trained level.
    pub set_alpha_to_one: Option<bool>,
    /// The variance of DDPM's noise, or the name of one that is not supported.
    pub variance: Result<Variance, String>,
    /// The range that denoised pictures are held in.
    pub clip: Option<f64>,
    /// The sampler that the class corresponds to, where it is one of ours.
    pub sampler: Option<SamplerName>,
}

/// Options of other samplers' classes, and of none that is here.
const OTHER_SAMPLERS: [&str; 20] = [
    "algorithm_type",
    "disable_corrector",
    "dynamic_thresholding_ratio",
    "euler_at_final",
    "final_sigmas_type",
    "flow_shift",
    "interpolation_type",
    "lambda_min_clipped",
    "lower_order_final",
    "original_inference_steps",
    "predict_x0",
    "sample_max_value",
    "sigma_max",
    "sigma_min",
    "solver_order",
    "solver_type",
    "timestep_scaling",
    "timestep_type",
    "use_karras_sigmas",
    "use_exponential_sigmas",
];

impl SchedulerConfig {
    pub fn read(file: &Path) -> Result<Self, Error> {
        let mut json = Json::read(file)?;
        let class: Option<String> = json.take("_class_name")?;
        let skip_prk_steps = json.take_or("skip_prk_steps", false)?;
        let sampler = match class.as_deref() {
            Some("DDPMScheduler") => Some(SamplerName::Ddpm),
            Some("DDIMScheduler") => Some(SamplerName::Ddim),
            Some("PNDMScheduler") if skip_prk_steps => Some(SamplerName::Plms),
            Some("PNDMScheduler") => Some(SamplerName::Pndm),
            _ => None,
        };
        json.ignore(&OTHER_SAMPLERS);
        json.only("thresholding", false)?;
        json.only("rescale_betas_zero_snr", false)?;
        let config = Self {
            schedule: schedule(&mut json)?,
            prediction: prediction(&mut json)?,
            spacing: spacing(&mut json)?,
            set_alpha_to_one: json.take("set_alpha_to_one")?,
            variance: variance(&mut json)?,
            clip: clip(&mut json)?,
            sampler,
        };
        json.finish()?;
        Ok(config)
    }
}

fn schedule(json: &mut Json) -> Result<NoiseSchedule, Error> {
    let count = json.count_or("num_train_timesteps", 1000)?;
    let (start, end) = (json.take_or("beta_start", 0.0001)?, json.take_or("beta_end", 0.02)?);
    let kind = json.take_or("beta_schedule", "linear".to_string())?;
    let betas = match json.take::<Vec<f64>>("trained_betas")? {
        Some(betas) => Ok(betas),
        None => match kind.as_str() {
            "linear" => BetaSchedule::Linear.betas(count, start, end),
            "scaled_linear" => BetaSchedule::ScaledLinear.betas(count, start, end),
            "squaredcos_cap_v2" => BetaSchedule::SquaredCosCapV2.betas(count, start, end),
            other => {
                let supported = "\"linear\", \"scaled_linear\" and \"squaredcos_cap_v2\"";
                return Err(json.error(format!("`beta_schedule` is {other:?}, only {supported} are supported")));
            }
        },
    };
    betas.and_then(|betas| NoiseSchedule::from_betas(&betas)).map_err(|error| json.error(error.to_string()))
}

fn prediction(json: &mut Json) -> Result<Prediction, Error> {
    match json.take_or("prediction_type", "epsilon".to_string())?.as_str() {
        "epsilon" => Ok(Prediction::Eps),
        "v_prediction" => Ok(Prediction::V),
        "sample" => Ok(Prediction::X0),
        other => Err(json.error(format!(
            "`prediction_type` is {other:?}, only \"epsilon\", \"v_prediction\" and \"sample\" are supported"
        ))),
    }
}

fn spacing(json: &mut Json) -> Result<Spacing, Error> {
    let offset = json.take_or("steps_offset", 0)?;
    match json.take_or("timestep_spacing", "leading".to_string())?.as_str() {
        "leading" => Ok(Spacing::Leading { offset }),
        "linspace" => Ok(Spacing::Linspace),
        "trailing" => Ok(Spacing::Trailing),
        other => Err(json.error(format!(
            "`timestep_spacing` is {other:?}, only \"leading\", \"linspace\" and \"trailing\" are supported"
        ))),
    }
}

fn variance(json: &mut Json) -> Result<Result<Variance, String>, Error> {
    Ok(match json.take_or("variance_type", "fixed_small".to_string())?.as_str() {
        "fixed_small" => Ok(Variance::FixedSmall),
        "fixed_large" => Ok(Variance::FixedLarge),
        other => Err(other.to_string()),
    })
}

/// Only where it is asked for: latents have no fixed range, and diffusers' own pipelines switch its default off.
fn clip(json: &mut Json) -> Result<Option<f64>, Error> {
    let range = json.take_or("clip_sample_range", 1.0)?;
    Ok(json.take_or("clip_sample", false)?.then_some(range))
}
