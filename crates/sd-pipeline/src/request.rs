use sd_image::{Fit, Mask};
use sd_prompt::Syntax;
use sd_samplers::SamplerOption;
use sd_unet::FreeU;
use serde::{Deserialize, Serialize};

use crate::edit::{Init, Inpaint, Outpaint, Seamless, Variation};
use crate::{
    ControlImage, Fast, GuidanceOptions, ImagePrompt, Latents, RegionalPrompt, Reuse, SamplerName, Schedule, Sizes,
};

/// What to draw.
///
/// The default sets nothing, for models that read no text. [`Plan::new`](crate::Plan::new) fills in every open field.
///
/// In serde every field may be left out, and an unknown field is an error.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// What the image should show; may be empty. Models that read no text take none; all others need one.
    pub prompt: Option<String>,
    /// What the image should not show. None is an empty prompt, or whatever the model's config uses instead.
    pub negative_prompt: Option<String>,
    /// How both are written: what brackets mean, and what becomes of a text that is too long for the text encoder.
    pub prompt_syntax: Syntax,
    /// Prompts for parts of the image.
    pub regions: Vec<RegionalPrompt>,
    /// The layer of the text encoder that is read, counted from the last; none is 1, the last. Stable Diffusion XL never reads its
    /// last layer, so 1 is the same as 2 there.
    pub clip_skip: Option<usize>,
    /// The sizes that Stable Diffusion XL is told.
    pub sizes: Sizes,
    /// Steps of earlier passes over the image, from where schedules in prompts continue: `[a:b:0.5]` is all `b` in a second pass.
    pub steps_before: usize,
    /// Width in pixels, a multiple of the model's scale factor (mostly 8); none is the width of the model's training.
    pub width: Option<usize>,
    /// Height in pixels, likewise.
    pub height: Option<usize>,
    /// The sampler; none is the one that the model's config names, or DDIM if this crate has no such sampler.
    pub sampler: Option<SamplerName>,
    /// Options of the sampler, such as the `eta` of DDIM; [`SamplerInfo::options`](sd_samplers::SamplerInfo::options) lists
    /// them.
    #[serde(with = "crate::number::options")]
    pub options: Vec<(SamplerOption, f64)>,
    /// The noise levels to visit; none leaves them to the model's config.
    pub schedule: Option<Schedule>,
    /// Steps of the sampler, at least 1; most schedules allow at most as many as the training has timesteps.
    ///
    /// None is as many as [`schedule`](Self::schedule) lists, else the [model's own](crate::Defaults), else 50. DDPM in
    /// pixels instead visits all timesteps of the training, as in its paper.
    pub steps: Option<usize>,
    /// Guidance scale: the strength of the prompt against the negative prompt. At 1 and below the image is drawn without
    /// guidance, at half the work, as in diffusers. None is the [model's own](crate::Defaults), else 5 for XL models and 7.5
    /// for others; 0.6 for CFG++, whose scales are from 0 to 1.
    pub guidance: Option<f64>,
    /// Everything else about guidance.
    pub guidance_options: GuidanceOptions,
    /// Factors on the U-Net's features; none changes nothing.
    pub freeu: Option<FreeU>,
    /// A tested combination of what calls of the network reuse, for less arithmetic; none computes everything.
    pub fast: Option<Fast>,
    /// What calls of the network reuse, in the place of what `fast` says.
    pub reuse: Reuse,
    /// Seed of the noise.
    pub seed: u64,
    /// The noise to start from, standard normal values; none draws it from the seed.
    pub latents: Option<Latents>,
    /// A second seed that varies the noise to start from.
    pub variation: Option<Variation>,
    /// The image or latents to start from; none starts from noise alone.
    ///
    /// Without `width` and `height`, the size is that of the image, rounded down to the model's scale factor.
    pub init: Option<Init>,
    /// Share of the steps that are made, more than 0 and at most 1: the rest is skipped, and so much of `init` stays.
    ///
    /// None is 0.75, or 1 if nothing of the image is worth keeping: for models that paint into masks, and beyond an image's edges.
    pub strength: Option<f64>,
    /// How an initial image is brought to `width` and `height`.
    pub resize: Fit,
    /// The part of the initial image that is drawn anew; none is all of it.
    pub inpaint: Option<Inpaint>,
    /// Extends the initial image.
    pub outpaint: Option<Outpaint>,
    /// How closely InstructPix2Pix models follow the image; none is 1.5. Below 1 there is no guidance.
    pub image_guidance: Option<f64>,
    /// Images that steer the drawing through control networks.
    pub controls: Vec<ControlImage>,
    /// Whether the control networks draw without the help of a prompt: they steer only the conditional prediction, and weakly where
    /// their outputs are fine (Zhang et al. 2023; diffusers' `guess_mode`).
    pub guess_mode: bool,
    /// Images that the drawing follows as it follows its prompt.
    pub image_prompts: Vec<ImagePrompt>,
    /// The depth of each pixel, bright is near, for depth-to-image models.
    pub depth: Option<Mask>,
    /// Which edges of the image continue at the opposite edge, so that it can be laid side by side with itself.
    pub seamless: Seamless,
    /// Whether the autoencoder works in bands of rows: less memory, more time, and the same image up to rounding. Worth it for large
    /// images: see [`Plan::tile_if_needed`](crate::Plan::tile_if_needed).
    pub vae_tiling: bool,
    /// Skips the noise levels above this share of the training's timesteps, 0 to 1: begins where another drawing
    /// [ended](Self::denoising_end).
    pub denoising_start: Option<f64>,
    /// Ends after this share of the training's timesteps, 0 to 1, with latents that are still noisy.
    pub denoising_end: Option<f64>,
}

impl Request {
    /// Requests an image of `prompt` with seed 0.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: Some(prompt.into()), ..Self::default() }
    }

    /// The controls, of which those without an image have the initial one: for another pass, which starts from another image.
    pub(crate) fn controls_with_images(&self) -> Vec<ControlImage> {
        let initial = match &self.init {
            Some(Init::Image(image)) => Some(image),
            _ => None,
        };
        let with_image = |control: &ControlImage| {
            let image = control.image.clone().or_else(|| initial.cloned());
            ControlImage { image, ..control.clone() }
        };
        self.controls.iter().map(with_image).collect()
    }
}
