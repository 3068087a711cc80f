use sd_samplers::SamplerOption;
use serde::{Deserialize, Serialize};

use crate::{Latents, SamplerName, Schedule};

/// What to draw.
///
/// The default says nothing: it is for models that draw without a text. What is left open is decided by
/// [`Model::plan`](crate::Model::plan).
///
/// In serde every field may be left out, and an unknown one is an error.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// What the image should show; may be empty. Models that draw without a text need none, all others one.
    pub prompt: Option<String>,
    /// What it should not show. None is an empty prompt, or what the model's config wants in its place.
    pub negative_prompt: Option<String>,
    /// Width in pixels, a multiple of the model's factor (mostly 8); none is the width the model was trained at.
    pub width: Option<usize>,
    /// Height in pixels, likewise.
    pub height: Option<usize>,
    /// The sampler; none is the one the model's config names where it is one of ours, else DDIM.
    pub sampler: Option<SamplerName>,
    /// Options of the sampler, such as the `eta` of DDIM; [`SamplerInfo::options`](sd_samplers::SamplerInfo::options) says which it
    /// has.
    #[serde(with = "crate::number::options")]
    pub options: Vec<(SamplerOption, f64)>,
    /// Which noise levels are visited; none is what the model's config says.
    pub schedule: Option<Schedule>,
    /// Steps of the sampler, from 1; most schedules have no more than the timesteps of the training.
    ///
    /// None is as many as [`schedule`](Self::schedule) lists, else the [model's own](crate::Defaults), else 50; but DDPM in
    /// pixels takes all the timesteps of the training, as its paper does.
    pub steps: Option<usize>,
    /// Guidance scale: how much the prompt counts against the negative prompt. At 1 and below the image is drawn without
    /// guidance, at half the work, as in diffusers. None is the [model's own](crate::Defaults), else 5 for models of the XL
    /// kind, and 7.5 for the others.
    pub guidance: Option<f64>,
    /// Seed of the noise.
    pub seed: u64,
    /// The noise to start from, standard normal values; none draws it from the seed.
    pub latents: Option<Latents>,
}

impl Request {
    /// An image of `prompt` from seed 0.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: Some(prompt.into()), ..Self::default() }
    }
}
