//! Plans: requests with every default filled in.

pub(crate) mod batch;
mod display;
mod levels;
mod origin;
mod parameters;
mod resolve;
mod sampling;

use sd_samplers::Noise;
use serde::{Deserialize, Serialize};

pub use self::origin::{Origin, Resolved};
pub use self::sampling::{OptionValue, Sampling};
use crate::{Error, Field, Latents, Model, Workload};

/// A [`Request`](crate::Request) with every default filled in; each value records where it came from.
///
/// [`new`](Self::new) makes it, and [`Pipeline::drawing`](crate::Pipeline::drawing) draws it. A plan can be stored as JSON
/// and drawn again later with the same model. [`Display`](std::fmt::Display) shows it line by line.
///
/// ```no_run
/// # use sd_pipeline::{Error, Model, Plan, Request};
/// let model = Model::open("stable-diffusion-v1-5")?;
/// let plan = Plan::new(&model, &Request::new("a lighthouse at dusk"))?;
/// println!("{plan}");
/// assert_eq!(plan.settings.sampling.steps.value, 50);
/// let kept = serde_json::to_string(&plan).expect("a plan is JSON");
/// assert_eq!(serde_json::from_str::<Plan>(&kept).expect("it was one"), plan);
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Plan {
    /// What the image should show; none for models that draw without a text.
    pub prompt: Option<String>,
    /// Seed of the noise.
    pub seed: u64,
    /// The noise to start from; none draws it from the seed.
    pub latents: Option<Latents>,
    /// All other values.
    pub settings: Settings,
}

/// The values that the images of a batch share: all but the prompt, the seed and the noise to start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// What the image should not show. None is an empty prompt, or whatever the model's config uses instead.
    pub negative_prompt: Option<String>,
    /// Width in pixels.
    pub width: Resolved<usize>,
    /// Height in pixels.
    pub height: Resolved<usize>,
    /// Shape of the latents, `[1, channels, height, width]`.
    pub latent_shape: [usize; 4],
    /// Guidance scale; none for models that read no text.
    pub guidance: Option<Resolved<f64>>,
    /// How the noise is removed.
    pub sampling: Sampling,
}

impl Plan {
    /// Makes the noise of the seed: PyTorch's. Samplers that follow a Brownian path use it only for the start.
    pub fn noise(&self) -> Box<dyn Noise> {
        self.settings.sampling.sampler.value.info().fresh.of_seed(self.seed)
    }

    /// The parts of the plan on which its memory use depends: see [`Model::memory`].
    pub fn workload(&self) -> Workload {
        let Settings { width, height, .. } = &self.settings;
        Workload { width: width.value, height: height.value, is_guided: self.settings.is_guided(), tiled: false }
    }

    /// Checks that the plan belongs to this model: it may have been read from a file, or changed.
    pub(crate) fn check(&self, model: &Model) -> Result<(), Error> {
        let Settings { width, height, latent_shape, guidance, sampling, .. } = &self.settings;
        let shape = model.latent_shape(width.value, height.value);
        let reads_text = model.reads_text();
        let is_its_own = (self.prompt.is_some(), guidance.is_some()) == (reads_text, reads_text)
            && *latent_shape == shape
            && [width, height].iter().all(|size| size.value > 0 && size.value.is_multiple_of(model.scale_factor()));
        if !is_its_own {
            return Err(Error::request(Field::Plan, "is of another model: make a new one from the request"));
        }
        if let Some(Latents { shape: found, values }) = &self.latents {
            if *found != shape {
                return Err(Error::request(
                    Field::Latents,
                    format!("of shape {found:?}, but this image's have {shape:?}"),
                ));
            }
            let (count, expected) = (values.len(), shape.iter().product::<usize>());
            if count != expected {
                return Err(Error::request(Field::Latents, format!("of {count} values, but {shape:?} are {expected}")));
            }
        }
        sampling.sampler(model.scheduler())?;
        match guidance.filter(|guidance| !guidance.value.is_finite()) {
            Some(guidance) => {
                Err(Error::request(Field::Guidance, format!("{}: a finite number is needed", guidance.value)))
            }
            None => Ok(()),
        }
    }
}

impl Settings {
    /// Whether the network also runs on the negative prompt: as in diffusers, not for a scale of 1 and below.
    pub fn is_guided(&self) -> bool {
        self.guidance_scale() > 1.0
    }

    /// The guidance scale; 1 for models that read no text.
    pub(crate) fn guidance_scale(&self) -> f64 {
        self.guidance.map_or(1.0, |guidance| guidance.value)
    }
}
