use sd_samplers::{LevelOptions, Variance};
use sd_schedule::{BetaSchedule, Grid, NoiseSchedule, Prediction, Process, Spacing};

use super::class::{not_followed, sampler};
use super::json::Json;
use crate::{ModelError, SamplerName};

/// What `scheduler/scheduler_config.json` says, whichever class of diffusers wrote it.
///
/// What it leaves out is the default of the class that the chosen sampler corresponds to, hence the options.
#[derive(Debug)]
pub struct SchedulerConfig {
    /// The noise of the training.
    pub schedule: NoiseSchedule,
    /// What the network predicts.
    pub prediction: Prediction,
    /// Which noise levels are visited.
    pub levels: LevelOptions,
    /// Noise levels that take the place of timesteps.
    pub grid: Option<Grid>,
    /// The variance of DDPM's noise, or the name of one that is not supported.
    pub variance: Result<Variance, String>,
    /// Order of multistep solvers.
    pub solver_order: Option<usize>,
    /// An option that the classes behind the solvers would follow, but which is not followed here.
    pub not_followed: Option<String>,
    /// Whether denoised images are held in a range, where it is said.
    pub clip_sample: Option<bool>,
    /// That range.
    pub clip_sample_range: f64,
    /// The sampler that the class corresponds to, where it is one of ours.
    pub sampler: Option<SamplerName>,
    /// The class, where it is said.
    class: Option<String>,
}

/// Options that no sampler here has, and that change nothing for those that are here.
const IGNORED: [&str; 6] = [
    "dynamic_thresholding_ratio",
    "flow_shift",
    "sample_max_value",
    "time_shift_type",
    "timestep_scaling",
    "use_dynamic_shifting",
];

/// Options that make another sampler or another noise process, of whatever class.
const NOT_FOLLOWED: [&str; 4] = ["shift_terminal", "solver_p", "thresholding", "use_flow_sigmas"];

impl SchedulerConfig {
    /// `scheduler/scheduler_config.json`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Config`] for what is not supported.
    pub fn of(json: &mut Json) -> Result<Self, ModelError> {
        let sampler = sampler(json)?;
        let class = json.take("_class_name")?;
        json.ignore(&["skip_prk_steps"]);
        json.ignore(&IGNORED);
        json.off(&NOT_FOLLOWED)?;
        let steps_offset = json.take_or("steps_offset", 0)?;
        let config = Self {
            schedule: schedule(json)?,
            prediction: prediction(json)?,
            levels: LevelOptions {
                spacing: spacing(json, steps_offset)?,
                steps_offset,
                set_alpha_to_one: json.take("set_alpha_to_one")?,
                final_sigma_min: json.take_or("final_sigmas_type", "zero".to_string())? == "sigma_min",
                original_inference_steps: json.count_or("original_inference_steps", 50)?,
            },
            grid: grid(json)?,
            variance: variance(json)?,
            solver_order: json.take("solver_order")?,
            not_followed: not_followed(json)?,
            clip_sample: json.take("clip_sample")?,
            clip_sample_range: json.take_or("clip_sample_range", 1.0)?,
            sampler,
            class,
        };
        Ok(config)
    }
}

impl SchedulerConfig {
    /// How the network was trained.
    pub fn process(&self) -> Process {
        Process::VariancePreserving { schedule: self.schedule.clone(), prediction: self.prediction }
    }

    /// What to say where the model's own sampler is none of ours.
    pub fn note(&self) -> Option<String> {
        let class = self.class.as_ref().filter(|_| self.sampler.is_none())?;
        Some(format!(
            "this model's scheduler is a {class}, which has no counterpart here: ddim draws unless `sampler` says otherwise"
        ))
    }
}

fn schedule(json: &mut Json) -> Result<NoiseSchedule, ModelError> {
    let count = json.count_or("num_train_timesteps", 1000)?;
    let (start, end) = (json.take_or("beta_start", 0.0001)?, json.take_or("beta_end", 0.02)?);
    let kind = json.take_or("beta_schedule", "linear".to_string())?;
    let betas = match json.take::<Vec<f64>>("trained_betas")? {
        Some(betas) => Ok(betas),
        None => match kind.as_str() {
            "linear" => BetaSchedule::Linear.betas(count, start, end),
            "scaled_linear" => BetaSchedule::ScaledLinear.betas(count, start, end),
            "squaredcos_cap_v2" => BetaSchedule::SquaredCosCapV2.betas(count, start, end),
            "sigmoid" => BetaSchedule::Sigmoid.betas(count, start, end),
            other => {
                let supported = "\"linear\", \"scaled_linear\", \"squaredcos_cap_v2\" and \"sigmoid\"";
                return Err(json.error(format!("`beta_schedule` is {other:?}, only {supported} are supported")));
            }
        },
    };
    let zero_terminal_snr = json.take_or("rescale_betas_zero_snr", false)?;
    let schedule = betas.and_then(|betas| NoiseSchedule::from_betas(&betas));
    let schedule = schedule.map_err(|error| json.error(error.to_string()))?;
    Ok(if zero_terminal_snr { schedule.with_zero_terminal_snr() } else { schedule })
}

fn prediction(json: &mut Json) -> Result<Prediction, ModelError> {
    let name = json.take_or("prediction_type", Prediction::Eps.name().to_string())?;
    let prediction = Prediction::by_name(&name).filter(|prediction| *prediction != Prediction::Flow);
    prediction.ok_or_else(|| {
        json.error(format!(
            "`prediction_type` is {name:?}, only \"epsilon\", \"v_prediction\" and \"sample\" are supported"
        ))
    })
}

fn spacing(json: &mut Json, offset: usize) -> Result<Option<Spacing>, ModelError> {
    match json.take::<String>("timestep_spacing")?.as_deref() {
        None => Ok(None),
        Some("leading") => Ok(Some(Spacing::Leading { offset })),
        Some("linspace") => Ok(Some(Spacing::Linspace)),
        Some("trailing") => Ok(Some(Spacing::Trailing)),
        Some(other) => Err(json.error(format!(
            "`timestep_spacing` is {other:?}, only \"leading\", \"linspace\" and \"trailing\" are supported"
        ))),
    }
}

fn grid(json: &mut Json) -> Result<Option<Grid>, ModelError> {
    let grids = [
        ("use_karras_sigmas", Grid::Karras { rho: 7.0 }),
        ("use_exponential_sigmas", Grid::Exponential),
        ("use_beta_sigmas", Grid::BetaSigmas),
    ];
    let mut asked = None;
    for (key, grid) in grids {
        if json.take_or(key, false)? {
            asked = asked.or(Some(grid));
        }
    }
    Ok(asked)
}

fn variance(json: &mut Json) -> Result<Result<Variance, String>, ModelError> {
    Ok(match json.take_or("variance_type", "fixed_small".to_string())?.as_str() {
        "fixed_small" => Ok(Variance::FixedSmall),
        "fixed_large" => Ok(Variance::FixedLarge),
        other => Err(other.to_string()),
    })
}
