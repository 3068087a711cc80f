use sd_samplers::{LevelOptions, Variance};
use sd_schedule::{BetaSchedule, Grid, NoiseSchedule, Prediction, Process, Spacing};

use super::class::{not_followed, sampler};
use super::edm::{edm, is_edm};
use super::json::Json;
use crate::{ModelError, SamplerName};

/// The settings of `scheduler/scheduler_config.json`, whichever class of diffusers wrote it.
///
/// Settings whose default depends on the class that the chosen sampler corresponds to are `None` if missing.
#[derive(Debug, Clone)]
pub struct SchedulerConfig {
    /// The noise process that the network was trained for.
    pub process: Process,
    /// The choice of noise levels.
    pub levels: LevelOptions,
    /// Noise levels that replace timesteps.
    pub grid: Option<Grid>,
    /// The variance of DDPM's noise, or the name of an unsupported one.
    pub variance: Result<Variance, String>,
    /// Order of multistep solvers.
    pub solver_order: Option<usize>,
    /// An option that diffusers' solvers would follow, but which is not supported here.
    pub not_followed: Option<String>,
    /// Whether denoised images are clipped to a range, if given.
    pub clip_sample: Option<bool>,
    /// The largest absolute value after clipping.
    pub clip_sample_range: f64,
    /// The sampler that corresponds to the class, if there is one.
    pub sampler: Option<SamplerName>,
    /// The class, if given.
    class: Option<String>,
}

/// Options that affect none of the samplers here.
const IGNORED: [&str; 6] = [
    "dynamic_thresholding_ratio",
    "flow_shift",
    "sample_max_value",
    "time_shift_type",
    "timestep_scaling",
    "use_dynamic_shifting",
];

/// Options that, in any class, select another sampler or noise process.
const NOT_FOLLOWED: [&str; 4] = ["shift_terminal", "solver_p", "thresholding", "use_flow_sigmas"];

impl SchedulerConfig {
    /// Reads `scheduler/scheduler_config.json`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Config`] if something is not supported.
    pub fn from_json(json: &mut Json) -> Result<Self, ModelError> {
        let sampler = sampler(json)?;
        let class: Option<String> = json.take("_class_name")?;
        json.ignore(&["skip_prk_steps"]);
        json.ignore(&IGNORED);
        json.off(&NOT_FOLLOWED)?;
        let is_edm = class.as_deref().is_some_and(is_edm);
        let process = match is_edm {
            true => Process::Edm(edm(json)?),
            false => Process::VariancePreserving { schedule: schedule(json)?, prediction: prediction(json)? },
        };
        let own = if is_edm { Own::of_edm(json) } else { Own::from_json(json)? };
        let config = Self {
            process,
            levels: LevelOptions {
                final_sigma_min: json.take_or("final_sigmas_type", "zero".to_string())? == "sigma_min",
                ..own.levels
            },
            grid: own.grid,
            variance: own.variance,
            solver_order: json.take("solver_order")?,
            not_followed: not_followed(json)?,
            clip_sample: own.clip_sample,
            clip_sample_range: own.clip_sample_range,
            sampler,
            class,
        };
        Ok(config)
    }
}

impl SchedulerConfig {
    /// The noise of each timestep; none for a process without timesteps.
    pub fn schedule(&self) -> Option<&NoiseSchedule> {
        match &self.process {
            Process::VariancePreserving { schedule, .. } => Some(schedule),
            _ => None,
        }
    }

    /// The network's prediction, as `prediction_type` names it. For EDM this is the sign of its output: negative for
    /// [`V`](Prediction::V).
    pub fn prediction(&self) -> Prediction {
        match &self.process {
            Process::Edm(edm) if edm.is_velocity() => Prediction::V,
            process => process.blended(),
        }
    }

    /// Replaces the network's prediction; `None` if the process has no such one.
    #[must_use]
    pub fn predicting(self, prediction: Prediction) -> Option<Self> {
        let process = match self.process {
            Process::VariancePreserving { schedule, .. } => Process::VariancePreserving { schedule, prediction },
            Process::Edm(edm) => Process::Edm(edm.predicting(prediction)?),
            _ => return None,
        };
        Some(Self { process, ..self })
    }

    /// Returns a note if the model's own sampler has no counterpart here.
    pub fn note(&self) -> Option<String> {
        let class = self.class.as_ref().filter(|_| self.sampler.is_none())?;
        Some(format!(
            "this model's scheduler is {class}, which has no counterpart here: ddim is used unless `sampler` names another"
        ))
    }
}

/// Settings that the classes of EDM do not have.
struct Own {
    levels: LevelOptions,
    grid: Option<Grid>,
    variance: Result<Variance, String>,
    clip_sample: Option<bool>,
    clip_sample_range: f64,
}

impl Own {
    fn from_json(json: &mut Json) -> Result<Self, ModelError> {
        let steps_offset = json.take_or("steps_offset", 0)?;
        Ok(Self {
            levels: LevelOptions {
                spacing: spacing(json, steps_offset)?,
                steps_offset,
                set_alpha_to_one: json.take("set_alpha_to_one")?,
                original_inference_steps: json.count_or("original_inference_steps", 50)?,
                ..LevelOptions::default()
            },
            grid: grid(json)?,
            variance: variance(json)?,
            clip_sample: json.take("clip_sample")?,
            clip_sample_range: json.take_or("clip_sample_range", 1.0)?,
        })
    }

    fn of_edm(json: &mut Json) -> Self {
        // StableDiffusionPipeline sets it for every class.
        json.ignore(&["steps_offset"]);
        Self {
            levels: LevelOptions::default(),
            grid: None,
            variance: Ok(Variance::FixedSmall),
            clip_sample: Some(false),
            clip_sample_range: 1.0,
        }
    }
}

fn schedule(json: &mut Json) -> Result<NoiseSchedule, ModelError> {
    let count = json.count_or("num_train_timesteps", 1000)?;
    let (start, end) = (json.take_or("beta_start", 0.0001)?, json.take_or("beta_end", 0.02)?);
    let kind = json.take_or("beta_schedule", "linear".to_string())?;
    let betas = match json.take::<Vec<f64>>("trained_betas")? {
        Some(betas) => Ok(betas),
        None => match BetaSchedule::by_name(&kind) {
            Some(schedule) => schedule.betas(count, start, end),
            None => {
                let supported = "\"linear\", \"scaled_linear\", \"squaredcos_cap_v2\" and \"sigmoid\"";
                return Err(json.error(format!("`beta_schedule` is {kind:?}, only {supported} are supported")));
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
    let mut chosen = None;
    for (key, grid) in grids {
        if json.take_or(key, false)? {
            chosen = chosen.or(Some(grid));
        }
    }
    Ok(chosen)
}

fn variance(json: &mut Json) -> Result<Result<Variance, String>, ModelError> {
    Ok(match json.take_or("variance_type", "fixed_small".to_string())?.as_str() {
        "fixed_small" => Ok(Variance::FixedSmall),
        "fixed_large" => Ok(Variance::FixedLarge),
        "learned" => Ok(Variance::Learned),
        "learned_range" => Ok(Variance::LearnedRange),
        other => Err(other.to_string()),
    })
}
