use sd_samplers::{Sampler, SamplerOption, Setting, Variance};

use crate::config::SchedulerConfig;
use crate::model::Kind;
use crate::walk::Walk;
use crate::{Error, Model, SamplerName, Schedule};

/// Steps where none are asked for.
const DEFAULT_STEPS: usize = 50;

/// What to draw.
///
/// The default says nothing: it is for models that draw without a text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// What the picture should show; may be empty. Models that draw without a text need none, all others one.
    pub prompt: Option<String>,
    /// What it should not show. None is an empty prompt, or what the model's config wants in its place.
    pub negative_prompt: Option<String>,
    /// Width in pixels, a multiple of the model's factor (mostly 8); none is the width the model was trained at.
    pub width: Option<usize>,
    /// Height in pixels, likewise.
    pub height: Option<usize>,
    /// The sampler; none is the one the model's config names where it is one of ours, else DDIM.
    pub sampler: Option<SamplerName>,
    /// Options of the sampler, such as the `eta` of DDIM; [`Entry::options`](sd_samplers::Entry::options) says which it
    /// has.
    pub options: Vec<(SamplerOption, f64)>,
    /// Which noise levels are visited; none is what the model's config says.
    pub schedule: Option<Schedule>,
    /// Steps of the sampler, from 1; most schedules have no more than the timesteps of the training.
    ///
    /// None is as many as [`schedule`](Self::schedule) lists, else 50; but DDPM in pixels takes all the timesteps of the
    /// training, as its paper does.
    pub steps: Option<usize>,
    /// Guidance scale: how much the prompt counts against the negative prompt. At 1 and below the image is drawn without
    /// guidance, at half the work, as in diffusers. None is 5 for models of the XL kind, and 7.5 for the others.
    pub guidance: Option<f64>,
    /// Names the noise, and so the picture.
    pub seed: u64,
    /// The noise to start from, standard normal numbers; none draws it from the seed.
    pub latents: Option<Latents>,
}

/// The numbers of a picture before it is decoded, or of the noise it starts from.
#[derive(Debug, Clone, PartialEq)]
pub struct Latents {
    /// Row by row, channel by channel.
    pub numbers: Vec<f32>,
    /// `[1, channels, height/8, width/8]`; `[1, 3, height, width]` where the model works on pixels.
    pub shape: [usize; 4],
}

impl Request {
    /// A picture of `prompt` from seed 0.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: Some(prompt.into()), ..Self::default() }
    }

    /// Checks that it says what this kind of model can be told.
    pub(crate) fn fits(&self, model: &Model) -> Result<(), Error> {
        let of_text = [
            ("--prompt", self.prompt.is_some()),
            ("--negative-prompt", self.negative_prompt.is_some()),
            ("--guidance", self.guidance.is_some()),
            ("--schedule ays", self.schedule == Some(Schedule::Ays)),
        ];
        match (model.text_to_picture(), of_text.iter().find(|(_, is_given)| *is_given)) {
            (Some(_), _) if self.prompt.is_none() => {
                Err(Error::Request("--prompt is missing: this model draws what a text says; it may be empty".into()))
            }
            (None, Some((flag, _))) => Err(Error::Request(format!(
                "{flag} is for models that read a text, and this one does not: leave it out"
            ))),
            _ => Ok(()),
        }
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self, model: &Model) -> Result<(usize, usize), Error> {
        let factor = model.factor();
        let check = |name: &str, size: Option<usize>, default: usize| {
            let size = size.unwrap_or(default);
            if size > 0 && size.is_multiple_of(factor) {
                return Ok(size);
            }
            let (below, above) = ((size / factor).max(1) * factor, (size / factor + 1) * factor);
            Err(Error::Request(format!(
                "--{name} {size} is not a multiple of {factor}, this model's factor: try {below} or {above}"
            )))
        };
        let (width, height) = model.default_size;
        Ok((check("width", self.width, width)?, check("height", self.height, height)?))
    }

    /// Shape of the latents, `[1, channels, height, width]`.
    pub(crate) fn latent_shape(&self, model: &Model) -> Result<[usize; 4], Error> {
        let (width, height) = self.size(model)?;
        let factor = model.factor();
        let shape = match &model.kind {
            Kind::Text(parts) => [1, parts.vae.config.latent_channels(), height / factor, width / factor],
            Kind::Unconditional(config) => [1, config.in_channels, height, width],
        };
        match &self.latents {
            Some(Latents { shape: found, .. }) if *found != shape => {
                Err(Error::Request(format!("latents of shape {found:?}, but this picture's have {shape:?}")))
            }
            _ => Ok(shape),
        }
    }

    /// The sampler, and the noise levels it walks down.
    pub(crate) fn sampler(&self, model: &Model) -> Result<(Box<dyn Sampler>, Walk), Error> {
        let (name, steps) = (self.sampler_name(model), self.steps(model));
        self.walk(name, &model.scheduler, Self::clip(model), model.is_xl(), steps)
    }

    /// Checks that a model with this scheduler, whose weights may not be there yet, can be walked in so many steps.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] or [`Error::Schedule`] with what to change.
    pub fn check_steps(&self, scheduler: &SchedulerConfig) -> Result<(), Error> {
        let name = self.sampler_or(scheduler);
        self.walk(name, scheduler, None, false, self.steps.unwrap_or(DEFAULT_STEPS)).map(drop)
    }

    fn walk(
        &self,
        name: SamplerName,
        config: &SchedulerConfig,
        clip: Option<f64>,
        is_xl: bool,
        steps: usize,
    ) -> Result<(Box<dyn Sampler>, Walk), Error> {
        let variance = match &config.variance {
            Ok(variance) => *variance,
            Err(unknown) if name.name == "ddpm" => {
                return Err(Error::Request(format!(
                    "scheduler_config.json has `variance_type` {unknown:?}, which --sampler ddpm cannot follow: choose another sampler"
                )));
            }
            Err(_) => Variance::FixedSmall,
        };
        // The config's order goes first: what is given last counts.
        let solver = name.convention.is_multistep() && name.has(SamplerOption::Order);
        let order = config.solver_order.filter(|_| solver).map(|order| (SamplerOption::Order, order as f64));
        let setting = Setting {
            variance,
            blended: config.prediction,
            clip,
            options: order.into_iter().chain(self.options.iter().copied()).collect(),
            ..Setting::new(config.schedule.clone())
        };
        let sampler = name.make(&setting).map_err(|error| Error::Request(format!("--{error}")))?;
        let walk = Walk::new(&name, config, self.schedule.as_ref(), is_xl, steps)?;
        let least = sampler.min_steps();
        if walk.levels.steps() < least {
            return Err(Error::Request(format!("--steps {steps}: the {name} sampler needs at least {least}")));
        }
        Ok((sampler, walk))
    }

    /// The sampler that is asked for, or the model's own, or DDIM.
    pub(crate) fn sampler_name(&self, model: &Model) -> SamplerName {
        self.sampler_or(&model.scheduler)
    }

    fn sampler_or(&self, scheduler: &SchedulerConfig) -> SamplerName {
        self.sampler.or(scheduler.sampler).unwrap_or_else(|| "ddim".parse().expect("it is in the catalogue"))
    }

    /// The number of steps.
    pub(crate) fn steps(&self, model: &Model) -> usize {
        let is_ddpm = self.sampler_name(model).name == "ddpm" && model.text_to_picture().is_none();
        let default = if is_ddpm { model.scheduler.schedule.len() } else { DEFAULT_STEPS };
        self.steps.or(self.schedule.as_ref().and_then(Schedule::steps)).unwrap_or(default)
    }

    /// The range in which DDPM and DDIM hold denoised images in pixels.
    ///
    /// Latents have no fixed range. diffusers' StableDiffusionPipeline switches `clip_sample` off whatever the config says;
    /// its XL pipeline does not, and clips latents where a config asks for it, to their loss.
    fn clip(model: &Model) -> Option<f64> {
        let config = &model.scheduler;
        (model.text_to_picture().is_none() && config.clip_sample.unwrap_or(true)).then_some(config.clip_sample_range)
    }

    /// Whether the U-Net is asked about the negative prompt too, as in diffusers: not for a scale of 1 and below.
    pub(crate) fn is_guided(&self, model: &Model) -> Result<bool, Error> {
        Ok(self.guidance(model)? > 1.0)
    }

    /// The guidance scale; 1 and below is none.
    pub(crate) fn guidance(&self, model: &Model) -> Result<f64, Error> {
        match self.guidance {
            Some(guidance) if !guidance.is_finite() => {
                Err(Error::Request(format!("--guidance {guidance}: a finite number is needed")))
            }
            Some(guidance) => Ok(guidance),
            None if model.text_to_picture().is_none() => Ok(1.0),
            None if model.is_xl() => Ok(5.0),
            None => Ok(7.5),
        }
    }
}
