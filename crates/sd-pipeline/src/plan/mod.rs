//! Plans: requests with every default filled in.

pub(crate) mod batch;
mod canvas;
mod check;
mod control;
mod display;
mod few_steps;
mod fits;
mod guidance;
mod guidance_options;
mod levels;
mod origin;
mod parameters;
mod resolve;
mod reuse;
mod sampling;
mod steps;
mod texts;
mod work;

use sd_guidance::{Guidance, Role, is_composed};
use sd_image::Mask;
use sd_prompt::Syntax;
use sd_samplers::Noise;
use sd_schedule::NoiseLevels;
use sd_unet::FreeU;
use serde::{Deserialize, Serialize};

pub use self::guidance_options::GuidanceOptions;
pub use self::origin::{Origin, Resolved};
pub use self::sampling::{OptionValue, Sampling};
pub(crate) use self::texts::check_clip_skip;
use crate::control::{Hint, PlannedImagePrompt};
use crate::edit::{Fill, Init, Overlay, Seamless, Variation};
use crate::{DType, DeviceInfo, Error, ExtraInput, Fast, Latents, Model, RegionalPrompt, Reuse, Sizes, Workload};

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
    /// A second seed that varies this noise.
    pub variation: Option<Variation>,
    /// The image or latents to start from, at the size of the drawing; none starts from noise alone.
    pub init: Option<Init>,
    /// What is drawn anew of an initial image, white, at the size of the drawing; none is all of it.
    pub mask: Option<Mask>,
    /// How the drawn image is put back into the initial one.
    pub overlay: Option<Overlay>,
    /// The depth of each pixel, for depth-to-image models; of any size.
    pub depth: Option<Mask>,
    /// All other values.
    pub settings: Settings,
}

/// The values that the images of a batch share: all but the prompt, the seed, and what the image starts from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// What the image should not show. None is an empty prompt, or whatever the model's config uses instead.
    pub negative_prompt: Option<String>,
    /// How the prompts are written.
    #[serde(default)]
    pub prompt_syntax: Syntax,
    /// Prompts for parts of the image.
    #[serde(default)]
    pub regions: Vec<RegionalPrompt>,
    /// The layer of the text encoder that is read, counted from the last, 1.
    #[serde(default = "last_layer")]
    pub clip_skip: usize,
    /// The sizes that Stable Diffusion XL is told.
    #[serde(default)]
    pub sizes: Sizes,
    /// Steps of earlier passes, from where schedules in prompts continue.
    #[serde(default)]
    pub steps_before: usize,
    /// Width in pixels.
    pub width: Resolved<usize>,
    /// Height in pixels.
    pub height: Resolved<usize>,
    /// Shape of the latents, `[1, channels, height, width]`.
    pub latent_shape: [usize; 4],
    /// Guidance scale; none for models that read no text.
    pub guidance: Option<Resolved<f64>>,
    /// Whether the network reads the guidance scale itself, and needs no call without the prompt.
    #[serde(default)]
    pub embeds_guidance: bool,
    /// How closely InstructPix2Pix models follow the image; none for other models.
    pub image_guidance: Option<Resolved<f64>>,
    /// Everything else about guidance.
    #[serde(default)]
    pub guidance_options: GuidanceOptions,
    /// Factors on the U-Net's features.
    #[serde(default)]
    pub freeu: Option<FreeU>,
    /// A combination of what calls of the network reuse, for what `reuse` leaves open.
    #[serde(default)]
    pub fast: Option<Fast>,
    /// What calls of the network reuse.
    #[serde(default)]
    pub reuse: Reuse,
    /// The images of the control networks.
    #[serde(default)]
    pub hints: Vec<Hint>,
    /// Whether the control networks draw without the help of a prompt.
    #[serde(default)]
    pub guess_mode: bool,
    /// Images that are prompts.
    #[serde(default)]
    pub image_prompts: Vec<PlannedImagePrompt>,
    /// The share of the steps that are made of an initial image; none without one.
    pub strength: Option<Resolved<f64>>,
    /// What the masked part is before noise is added to it.
    pub fill: Fill,
    /// Which edges of the image continue at the opposite edge.
    pub seamless: Seamless,
    /// Whether the autoencoder works in bands of rows.
    pub vae_tiling: bool,
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
        Workload { width: width.value, height: height.value, rows: self.rows(), tiled: self.settings.vae_tiling }
    }

    /// Number of calls of the network that drawing makes, the least if the sampler is adaptive; `model` is the plan's.
    ///
    /// # Errors
    ///
    /// [`Error::Request`](crate::Error::Request) and [`Error::Schedule`](crate::Error::Schedule), as [`new`](Self::new).
    pub fn calls(&self, model: &Model) -> Result<usize, Error> {
        let sampling = &self.settings.sampling;
        let visited = NoiseLevels::new(sampling.visited().to_vec())?;
        Ok(sampling.sampler(model.scheduler())?.calls(&visited))
    }

    /// The most rows of a call of the network for this image.
    fn rows(&self) -> usize {
        if self.settings.guidance.is_none() {
            return 1;
        }
        let weights = self.part_weights();
        let parts = weights.len() + self.settings.regions.len();
        let rows = |role: Role| match role {
            Role::Prompt => parts,
            // Calls of their own.
            Role::Perturbed | Role::Degraded => 0,
            Role::WithoutImage | Role::Empty | Role::Negative => 1,
        };
        let roles = self.settings.roles(is_composed(weights));
        roles.into_iter().map(|roles| roles.into_iter().map(rows).sum()).max().unwrap_or(1)
    }

    /// Makes the autoencoder work in bands of rows if this device has too little memory for the whole image.
    pub fn tile_if_needed(&mut self, model: &Model, dtype: DType, device: &DeviceInfo) {
        self.settings.vae_tiling |= !model.decodes_untiled(&self.workload(), dtype, device);
    }

    /// Whether the drawing starts from noise alone: without an image, and as in diffusers where all of a mask is drawn anew.
    pub(crate) fn starts_in_noise(&self, extra: Option<ExtraInput>) -> bool {
        let is_whole = self.settings.strength.is_none_or(|strength| strength.value >= 1.0);
        match self.init {
            None => true,
            Some(Init::Image(_)) => extra == Some(ExtraInput::Image) || (self.mask.is_some() && is_whole),
            Some(Init::Latents(_) | Init::Unfinished(_)) => false,
        }
    }
}

impl Settings {
    /// Whether the network also runs on the negative prompt, at any step: as in diffusers, not for a scale of 1 and below, nor for an
    /// image guidance below 1. Prompts of several parts always need it.
    pub fn is_guided(&self) -> bool {
        self.guidance.is_some() && self.roles(false).iter().any(|roles| roles.contains(&Role::Negative))
    }

    /// How the predictions are combined.
    pub fn guidance(&self) -> Guidance {
        let (scale, image) = (self.guidance_scale(), self.image_guidance.map(|image| image.value));
        self.guidance_options.with(scale, image, self.latent_shape.iter().product())
    }

    /// The predictions that each step needs, of a prompt that is composed of parts or not.
    pub(crate) fn roles(&self, composed: bool) -> Vec<Vec<Role>> {
        let guidance = self.guidance();
        let made = self.sampling.made.clone();
        made.map(|level| guidance.roles(&self.sampling.step(level), composed)).collect()
    }

    /// The scale by which predictions are combined; 1 for models that read no text, and for those that read the scale itself.
    pub(crate) fn guidance_scale(&self) -> f64 {
        self.guidance.filter(|_| !self.embeds_guidance).map_or(1.0, |guidance| guidance.value)
    }

    /// The guidance scale that the network reads itself.
    pub(crate) fn embedded_guidance(&self) -> Option<f64> {
        self.guidance.filter(|_| self.embeds_guidance).map(|guidance| guidance.value)
    }
}

fn last_layer() -> usize {
    1
}
