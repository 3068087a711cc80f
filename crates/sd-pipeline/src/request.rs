use sd_samplers::{Sampler, SamplerOption, Setting, Variance};

use crate::walk::Walk;
use crate::{Error, Model, SamplerName, Schedule};

/// What to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What the picture should show; may be empty.
    pub prompt: String,
    /// What it should not show. None is an empty prompt, or what the model's config wants in its place.
    pub negative_prompt: Option<String>,
    /// Width in pixels, a multiple of the model's factor (8); none is the width the model was trained at.
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
    pub steps: usize,
    /// How much the prompt counts against the negative prompt: 1 is not at all, and half the work; none is 5 for models
    /// of the XL kind, and 7.5 for the others.
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
    /// `[1, channels, height/8, width/8]`.
    pub shape: [usize; 4],
}

impl Request {
    /// A picture of `prompt` with 50 steps from seed 0.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            negative_prompt: None,
            width: None,
            height: None,
            sampler: None,
            options: Vec::new(),
            schedule: None,
            steps: 50,
            guidance: None,
            seed: 0,
            latents: None,
        }
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self, model: &Model) -> Result<(usize, usize), Error> {
        let factor = model.vae_config.factor();
        let check = |name: &str, size: Option<usize>| {
            let size = size.unwrap_or(model.default_size);
            if size > 0 && size.is_multiple_of(factor) {
                return Ok(size);
            }
            let (below, above) = ((size / factor).max(1) * factor, (size / factor + 1) * factor);
            Err(Error::Request(format!(
                "--{name} {size} is not a multiple of {factor}, this model's factor: try {below} or {above}"
            )))
        };
        Ok((check("width", self.width)?, check("height", self.height)?))
    }

    /// Shape of the latents, `[1, channels, height, width]`.
    pub(crate) fn latent_shape(&self, model: &Model) -> Result<[usize; 4], Error> {
        let (width, height) = self.size(model)?;
        let factor = model.vae_config.factor();
        let shape = [1, model.vae_config.latent_channels, height / factor, width / factor];
        match &self.latents {
            Some(Latents { shape: found, .. }) if *found != shape => {
                Err(Error::Request(format!("latents of shape {found:?}, but this picture's have {shape:?}")))
            }
            _ => Ok(shape),
        }
    }

    /// The sampler, and the noise levels it walks down.
    pub(crate) fn sampler(&self, model: &Model) -> Result<(Box<dyn Sampler>, Walk), Error> {
        let (name, config) = (self.sampler_name(model), &model.scheduler);
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
            clip: config.clip,
            options: order.into_iter().chain(self.options.iter().copied()).collect(),
            ..Setting::new(config.schedule.clone())
        };
        let sampler = name.make(&setting).map_err(|error| Error::Request(format!("--{error}")))?;
        let walk = Walk::new(&name, config, self.schedule.as_ref(), model.is_xl(), self.steps)?;
        let least = sampler.min_steps();
        if walk.levels.steps() < least {
            return Err(Error::Request(format!("--steps {}: the {name} sampler needs at least {least}", self.steps)));
        }
        Ok((sampler, walk))
    }

    /// The sampler that is asked for, or the model's own, or DDIM.
    pub(crate) fn sampler_name(&self, model: &Model) -> SamplerName {
        self.sampler.or(model.scheduler.sampler).unwrap_or_else(|| "ddim".parse().expect("it is in the catalogue"))
    }

    /// The guidance scale.
    pub(crate) fn guidance(&self, model: &Model) -> Result<f64, Error> {
        match self.guidance {
            Some(guidance) if !guidance.is_finite() => {
                Err(Error::Request(format!("--guidance {guidance}: a finite number is needed")))
            }
            Some(guidance) => Ok(guidance),
            None if model.is_xl() => Ok(5.0),
            None => Ok(7.5),
        }
    }
}
