use sd_clip::Activation;
use sd_unet::UnconditionalUnetConfig;
use sd_weights::single_file::Family;
use sd_weights::{Lora, Weights};

use crate::config::SchedulerConfig;
use crate::text_to_image::TextToImage;

/// A model whose configs, vocabularies and weight headers are read, and whose weights are not yet.
///
/// Requests can be [planned](Self::plan) with it before gigabytes are loaded.
#[derive(Debug)]
pub struct Model {
    pub(crate) kind: Kind,
    pub(crate) scheduler: SchedulerConfig,
    /// Width and height of an image when none is asked for.
    pub(crate) default_size: (usize, usize),
    pub(crate) unet_weights: Weights,
    /// What was assumed about it.
    pub(crate) notes: Vec<String>,
    pub(crate) defaults: Defaults,
    /// What changes its weights when they are loaded.
    pub(crate) loras: Vec<Lora>,
}

/// Settings that a model was made for, and that its files have no place for.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Defaults {
    /// Steps of the sampler.
    pub steps: Option<usize>,
    /// Guidance scale; of no use to a model that reads no text.
    pub guidance: Option<f64>,
}

/// What a model draws from.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A text, by way of latents.
    Text(Box<TextToImage>),
    /// Noise alone, in pixels.
    Unconditional(UnconditionalUnetConfig),
}

impl Model {
    /// The same model with defaults of its own, for what a request leaves open.
    pub fn with_defaults(self, defaults: Defaults) -> Self {
        Self { defaults, ..self }
    }

    /// What had to be assumed about the model, each a sentence that says how to choose otherwise.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Settings of its own.
    pub fn defaults(&self) -> Defaults {
        self.defaults
    }

    /// What its `scheduler_config.json` says.
    pub fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    /// Width and height of an image when none is requested, in pixels.
    pub fn default_size(&self) -> (usize, usize) {
        self.default_size
    }

    /// Whether it draws from a text, by way of latents; else it draws from noise alone, in pixels.
    pub fn reads_text(&self) -> bool {
        self.text_to_image().is_some()
    }

    /// Whether a missing negative prompt means zeros rather than an empty prompt.
    pub fn zeros_for_no_negative(&self) -> bool {
        self.text_to_image().is_some_and(|parts| parts.zeros_for_no_negative)
    }

    /// The parts of a model that draws from text.
    pub(crate) fn text_to_image(&self) -> Option<&TextToImage> {
        match &self.kind {
            Kind::Text(parts) => Some(parts),
            Kind::Unconditional(_) => None,
        }
    }

    /// Whether this is a model of the XL kind: two text encoders, pooled text and sizes.
    pub fn is_xl(&self) -> bool {
        self.text_to_image().is_some_and(|parts| parts.unet_config.addition.is_some())
    }

    /// Of which family its text encoders are, for a model that draws from text.
    pub(crate) fn family(&self) -> Option<Family> {
        let first = self.text_to_image()?.text.first();
        Some(match first.map(|part| part.config.hidden_act) {
            _ if self.is_xl() => Family::Xl,
            Some(Activation::Gelu) => Family::Sd2,
            _ => Family::Sd1,
        })
    }

    /// What the width and height of an image are multiples of, in pixels.
    pub fn scale_factor(&self) -> usize {
        match &self.kind {
            Kind::Text(parts) => parts.vae.config.factor(),
            Kind::Unconditional(config) => config.factor(),
        }
    }

    /// Shape of the latents of an image, `[1, channels, height, width]`.
    pub fn latent_shape(&self, width: usize, height: usize) -> [usize; 4] {
        let factor = self.scale_factor();
        match &self.kind {
            Kind::Text(parts) => [1, parts.vae.config.latent_channels(), height / factor, width / factor],
            Kind::Unconditional(config) => [1, config.in_channels, height, width],
        }
    }

    /// The part of a prompt that the text encoder will not see, because the prompt is too long.
    pub fn cut(&self, prompt: &str) -> Option<String> {
        self.text_to_image()?.text.iter().find_map(|part| part.tokenizer.encode(prompt).cut)
    }

    /// The words of a prompt that the model's tokenizer has to split. One that [learnt](sd_clip::Vocabulary) its words
    /// from the captions of the training has never seen them.
    pub fn split_words(&self, prompt: &str) -> Vec<String> {
        let first = self.text_to_image().and_then(|parts| parts.text.first());
        first.map(|part| part.tokenizer.split_words(prompt)).unwrap_or_default()
    }
}
