use sd_samplers::Sampler;
use sd_schedule::NoiseLevels;

use crate::{Error, Model, SamplerName};

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
    /// Steps of the sampler, from 1 to the timesteps of the training.
    pub steps: usize,
    /// How much the prompt counts against the negative prompt: 1 is not at all, and half the work; none is 5 for models
    /// of the XL kind, and 7.5 for the others.
    pub guidance: Option<f64>,
    /// Share of fresh noise in each step of DDIM, from 0 to 1.
    pub eta: f64,
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
            steps: 50,
            guidance: None,
            eta: 0.0,
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

    /// The sampler and the noise levels it walks down.
    pub(crate) fn sampler(&self, model: &Model) -> Result<(Box<dyn Sampler>, NoiseLevels), Error> {
        self.sampler_name(model).build(&model.scheduler, self.steps, self.eta)
    }

    pub(crate) fn sampler_name(&self, model: &Model) -> SamplerName {
        self.sampler.or(model.scheduler.sampler).unwrap_or(SamplerName::Ddim)
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
