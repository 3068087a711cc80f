use std::ops::Range;

use sd_guidance::Step;
use sd_model::FewSteps;
use sd_model::config::SchedulerConfig;
use sd_samplers::{Multistep, Sampler, SamplerOption, SamplerSettings, Variance};
use sd_schedule::NoiseLevels;
use serde::{Deserialize, Serialize};

use super::origin::{Origin, Resolved};
use super::{few_steps, levels, steps};
use crate::{Error, Field, Model, Request, SamplerName, Schedule};

/// The most steps: their noise levels are a list in memory.
const MAX_STEPS: usize = 1_000_000;

/// The sampler whose weights can be tuned.
const TUNED: &str = "ipndm";

/// Number of steps if nothing else determines it.
const DEFAULT_STEPS: usize = 50;

/// How the noise is removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sampling {
    /// The sampler.
    pub sampler: Resolved<SamplerName>,
    /// All options of the sampler, the requested ones first.
    pub options: Vec<OptionValue>,
    /// Variance of the fresh noise of DDPM, which a network may say; other samplers ignore it.
    pub variance: Variance,
    /// DDPM and DDIM clip denoised images to `[−clip, clip]`.
    pub clip: Option<f64>,
    /// The schedule that was requested, or for which the model was distilled.
    pub schedule: Option<Schedule>,
    /// Number of steps. If the last timestep is already at the last level, the [levels](Self::levels) have one step fewer.
    pub steps: Resolved<usize>,
    /// The noise levels that are visited, in variance-exploding form.
    pub levels: Resolved<NoiseLevels>,
    /// The steps through these levels that are made: with an initial image, only the last ones.
    pub made: Range<usize>,
    /// The steps of the whole drawing, of which another plan may make the first or the last ones. Shares of the steps are shares of
    /// these.
    pub whole: Range<usize>,
    /// Standard deviation of the noise from which an image starts at the first level.
    pub start_std: f64,
    /// Whether the network is called at whole timesteps only.
    pub whole_timesteps: bool,
}

/// An option of a sampler and its value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionValue {
    /// The option.
    pub option: SamplerOption,
    /// Its value.
    #[serde(with = "crate::number")]
    pub value: f64,
    /// Where the value came from.
    pub origin: Origin,
}

/// The inputs, other than the request, that determine how noise is removed.
pub(crate) struct Context<'a> {
    pub scheduler: &'a SchedulerConfig,
    /// Whether the model draws in pixels.
    pub in_pixels: bool,
    pub is_xl: bool,
    /// The model's own number of steps.
    pub steps: Option<usize>,
    /// How the model wants to be drawn, if it was distilled.
    pub few_steps: Option<FewSteps>,
    /// Share of the steps that an initial image goes through.
    pub strength: Option<f64>,
}

impl Sampling {
    /// Fills in the defaults of the request.
    pub(crate) fn resolve(request: &Request, context: &Context) -> Result<Self, Error> {
        let config = context.scheduler;
        let sampler = sampler(request, context);
        let steps = number_of_steps(request, sampler.value, context);
        if steps.value > MAX_STEPS {
            return Err(Error::request(Field::Steps, format!("{}: at most {MAX_STEPS} are possible", steps.value)));
        }
        let distilled = || few_steps::schedule(&context.few_steps?, sampler.value, steps.value);
        let schedule = request.schedule.clone().or_else(distilled);
        let (levels, origin) =
            levels::resolve(sampler.value.info(), config, schedule.as_ref(), context.is_xl, steps.value)?;
        let is_distilled = schedule.is_some() && request.schedule.is_none();
        let origin = if is_distilled { Origin::Model } else { origin };
        let (whole, made) = steps::made(request, context.strength, &levels.levels, steps.value, &config.process)?;
        Ok(Self {
            whole,
            made,
            options: options(request, sampler.value, context),
            variance: variance(sampler.value, config)?,
            clip: clip(context),
            schedule,
            levels: Resolved::new(levels.levels, origin),
            start_std: levels.start_std,
            whole_timesteps: levels.whole_timesteps,
            sampler,
            steps,
        })
    }

    /// The levels that are visited, with the one where the image ends.
    pub fn visited(&self) -> &[f64] {
        &self.levels.value.sigmas()[self.made.start..=self.made.end]
    }

    /// The step through the levels that begins at the level with this index.
    pub(crate) fn step(&self, level: usize) -> Step {
        let (sigmas, whole) = (self.levels.value.sigmas(), &self.whole);
        let index = level.saturating_sub(whole.start);
        Step { index, steps: whole.len(), from: sigmas[level], to: sigmas[level + 1] }
    }

    /// Checks that the network says the variance that DDPM is to read.
    pub(crate) fn check_variance(&self, model: &Model) -> Result<(), Error> {
        let is_read = self.sampler.value.info().name == "ddpm" && self.variance.is_learned();
        if is_read && !model.learns_variance() {
            let reason = "ddpm is to read a learned variance (`variance_type` of scheduler_config.json), but the network has none: \
                          its `out_channels` would be twice its images' channels. Choose another sampler";
            return Err(Error::request(Field::Sampler, reason));
        }
        Ok(())
    }

    /// Makes the sampler.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for unknown options, options out of range, and too few steps.
    pub(crate) fn sampler(&self, scheduler: &SchedulerConfig) -> Result<Box<dyn Sampler>, Error> {
        let name = self.sampler.value;
        if let Some(Schedule::Multistep { weights, .. }) = &self.schedule {
            if name.info().name != TUNED {
                let reason = format!(" has weights for the sampler {TUNED}, but this is {name}: choose {TUNED}");
                return Err(Error::request(Field::Schedule, reason));
            }
            return Ok(Box::new(Multistep::new(weights.clone())));
        }
        let setting = SamplerSettings {
            variance: self.variance,
            blended: scheduler.process.blended(),
            clip: self.clip,
            options: self.options.iter().map(|option| (option.option, option.value)).collect(),
            ..SamplerSettings::new(scheduler.process.clone())
        };
        let sampler =
            name.info().make(&setting).map_err(|error| Error::request(Field::Options, format!(": {error}")))?;
        let least = sampler.min_steps();
        if self.levels.value.steps() < least {
            let steps = self.steps.value;
            return Err(Error::request(Field::Steps, format!("{steps}: the {name} sampler needs at least {least}")));
        }
        Ok(sampler)
    }
}

impl Request {
    /// Checks that a model with this scheduler can draw the request in so many steps; needs no weights.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] or [`Error::Schedule`], which say what to change.
    pub fn check_steps(&self, scheduler: &SchedulerConfig) -> Result<(), Error> {
        let context =
            Context { scheduler, in_pixels: false, is_xl: false, steps: None, few_steps: None, strength: None };
        Sampling::resolve(self, &context)?.sampler(scheduler).map(drop)
    }
}

/// The requested sampler, else the one that the model was distilled for, else that of the config's class, else the default.
fn sampler(request: &Request, context: &Context) -> Resolved<SamplerName> {
    let of_model = || context.few_steps?.sampler.map(|sampler| Resolved::new(sampler, Origin::Model));
    let of_config = || context.scheduler.sampler.map(|sampler| Resolved::new(sampler, Origin::Config));
    Resolved::requested(request.sampler)
        .or_else(of_model)
        .or_else(of_config)
        .unwrap_or(Resolved::new(SamplerName::default(), Origin::Default))
}

fn number_of_steps(request: &Request, sampler: SamplerName, context: &Context) -> Resolved<usize> {
    let listed = request.schedule.as_ref().and_then(Schedule::steps);
    let requested = Resolved::requested(request.steps.or(listed));
    let of_few_steps = || context.few_steps.map(|few| few_steps::number(&few, context.strength));
    let of_model = || context.steps.or_else(of_few_steps).map(|steps| Resolved::new(steps, Origin::Model));
    // All timesteps of the training, as in its paper.
    let of_training = || Resolved::new(context.scheduler.process.timesteps(), Origin::Config);
    let is_ddpm_in_pixels = sampler.info().name == "ddpm" && context.in_pixels;
    requested
        .or_else(of_model)
        .or_else(|| is_ddpm_in_pixels.then(of_training))
        .unwrap_or(Resolved::new(DEFAULT_STEPS, Origin::Default))
}

/// The options of the request, then those of the distillation and of the config, then the defaults of the sampler; each option once.
fn options(request: &Request, sampler: SamplerName, context: &Context) -> Vec<OptionValue> {
    let (info, config) = (sampler.info(), context.scheduler);
    let gamma = context.few_steps.and_then(|few| few.gamma).filter(|_| info.has(SamplerOption::Gamma));
    let is_solver = info.convention.is_multistep() && info.has(SamplerOption::Order);
    let order = config.solver_order.filter(|_| is_solver).map(|order| (SamplerOption::Order, order as f64));
    let requested = request.options.iter().map(|(option, value)| (*option, *value, Origin::Request));
    let distilled = gamma.map(|gamma| (SamplerOption::Gamma, gamma, Origin::Model));
    let configured = order.into_iter().map(|(option, value)| (option, value, Origin::Config));
    let defaults = info.options.iter().map(|range| (range.option, range.default, Origin::Sampler));
    let mut options: Vec<OptionValue> = Vec::new();
    for (option, value, origin) in requested.chain(distilled).chain(configured).chain(defaults) {
        match options.iter_mut().find(|known| known.option == option) {
            // If an option is requested twice, the last value counts.
            Some(known) if origin == Origin::Request => known.value = value,
            Some(_) => {}
            None => options.push(OptionValue { option, value, origin }),
        }
    }
    options
}

fn variance(sampler: SamplerName, config: &SchedulerConfig) -> Result<Variance, Error> {
    match &config.variance {
        Ok(variance) => Ok(*variance),
        Err(unknown) if sampler.info().name == "ddpm" => Err(Error::request(
            Field::Sampler,
            format!(
                "ddpm does not support `variance_type` {unknown:?} of scheduler_config.json: choose another sampler"
            ),
        )),
        Err(_) => Ok(Variance::FixedSmall),
    }
}

/// The range to which DDPM and DDIM clip denoised images in pixels.
///
/// Latents have no fixed range. diffusers' StableDiffusionPipeline disables `clip_sample` whatever the config says. Its XL
/// pipeline does not: it clips latents if a config says so, which damages them.
fn clip(context: &Context) -> Option<f64> {
    let config = context.scheduler;
    (context.in_pixels && config.clip_sample.unwrap_or(true)).then_some(config.clip_sample_range)
}
