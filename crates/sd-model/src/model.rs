use sd_clip::{Activation, Tokenizer};
use sd_ops::MappedWeights;
use sd_prompt::{Chunk, Text};
use sd_unet::{AttentionLayer, UnconditionalUnetConfig, UnetConfig};
use sd_weights::single_file::Family;
use sd_weights::{Lora, Weights};

use crate::FewSteps;
use crate::config::SchedulerConfig;
use crate::control::ControlFile;
use crate::image_adapter::ImageAdapterFile;
use crate::text_encoder::chunks;
use crate::text_to_image::{ExtraInput, TextToImage};
use crate::token::Token;

/// A model whose configs, vocabularies and weight headers are read, but not yet its weights.
///
/// Requests can be planned with it before gigabytes of weights are loaded.
#[derive(Debug)]
pub struct Model {
    pub(crate) kind: Kind,
    pub(crate) scheduler: SchedulerConfig,
    /// Width and height of an image if none is requested.
    pub(crate) default_size: (usize, usize),
    pub(crate) unet_weights: Weights,
    /// Assumptions about the model.
    pub(crate) notes: Vec<String>,
    pub(crate) defaults: Defaults,
    /// How the model and its LoRAs want to be drawn, if they were distilled.
    pub(crate) few_steps: Option<FewSteps>,
    /// The same, without LoRAs.
    pub(crate) own_few_steps: Option<FewSteps>,
    /// LoRAs, which change the weights when they are loaded.
    pub(crate) loras: Vec<Lora>,
    pub(crate) controls: Vec<ControlFile>,
    pub(crate) image_adapters: Vec<ImageAdapterFile>,
    /// Where weights stay that a device can use in their files.
    pub(crate) mapped: Option<MappedWeights>,
    /// Whether linear layers multiply integers of 8 bits.
    pub(crate) int8: bool,
}

/// Settings that a model was made for and that its files cannot record.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Defaults {
    /// Steps of the sampler.
    pub steps: Option<usize>,
    /// Guidance scale; ignored by models that read no text.
    pub guidance: Option<f64>,
}

/// A model's input.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A text, by way of latents.
    Text(Box<TextToImage>),
    /// Noise alone, in pixels.
    Unconditional(UnconditionalUnetConfig),
}

impl Model {
    /// Sets the model's defaults for requests.
    pub fn with_defaults(self, defaults: Defaults) -> Self {
        Self { defaults, ..self }
    }

    /// Returns the assumptions about the model, each a sentence that says how to choose otherwise.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the model's defaults for requests.
    pub fn defaults(&self) -> Defaults {
        self.defaults
    }

    /// Returns how the model wants to be drawn if it, or the last LoRA of this kind, was made for few steps.
    pub fn few_steps(&self) -> Option<FewSteps> {
        self.few_steps
    }

    /// Returns how the model without LoRAs wants to be drawn, if it was made for few steps.
    pub fn own_few_steps(&self) -> Option<FewSteps> {
        self.own_few_steps
    }

    /// Sets how the model wants to be drawn, until LoRAs change: for requests that are planned before their LoRAs are merged.
    pub fn set_few_steps(&mut self, few_steps: Option<FewSteps>) {
        self.few_steps = few_steps;
    }

    /// Returns the settings of its `scheduler_config.json`.
    pub fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    /// Returns the width and height of an image in pixels if none is requested.
    pub fn default_size(&self) -> (usize, usize) {
        self.default_size
    }

    /// Whether the model reads a text and works on latents; other models work on pixels, without text.
    pub fn reads_text(&self) -> bool {
        self.text_to_image().is_some()
    }

    /// Whether a missing negative prompt means zeros rather than an empty prompt.
    pub fn zeros_for_no_negative(&self) -> bool {
        self.text_to_image().is_some_and(|parts| parts.zeros_for_no_negative)
    }

    /// The parts of a text-to-image model.
    pub(crate) fn text_to_image(&self) -> Option<&TextToImage> {
        match &self.kind {
            Kind::Text(parts) => Some(parts),
            Kind::Unconditional(_) => None,
        }
    }

    /// Whether the model is like Stable Diffusion XL: its network reads pooled text and sizes.
    pub fn is_xl(&self) -> bool {
        self.text_to_image().is_some_and(|parts| parts.unet_config.addition.is_some())
    }

    /// Whether the network reads how pleasing its image should be, as XL's refiner does.
    pub fn wants_aesthetic_score(&self) -> bool {
        self.text_to_image().is_some_and(|parts| parts.wants_aesthetic_score)
    }

    /// What the network reads beside the noisy latents, as further input channels; `None` for most models.
    pub fn extra_input(&self) -> Option<ExtraInput> {
        self.text_to_image().and_then(TextToImage::extra_input)
    }

    /// Returns the family of a text-to-image model's text encoders.
    pub(crate) fn family(&self) -> Option<Family> {
        let first = self.text_to_image()?.text.first();
        Some(match first.map(|part| part.config.hidden_act) {
            _ if self.is_xl() && self.wants_aesthetic_score() => Family::XlRefiner,
            _ if self.is_xl() => Family::Xl,
            Some(Activation::Gelu) => Family::Sd2,
            _ => Family::Sd1,
        })
    }

    /// Returns the number of pixels that an image's width and height are multiples of.
    pub fn scale_factor(&self) -> usize {
        match &self.kind {
            Kind::Text(parts) => parts.vae.config.factor(),
            Kind::Unconditional(config) => config.factor(),
        }
    }

    /// Returns the shape of an image's latents, `[1, channels, height, width]`.
    pub fn latent_shape(&self, width: usize, height: usize) -> [usize; 4] {
        let factor = self.scale_factor();
        match &self.kind {
            Kind::Text(parts) => [1, parts.vae.config.latent_channels(), height / factor, width / factor],
            Kind::Unconditional(config) => [1, config.image_channels(), height, width],
        }
    }

    /// Whether the network also says the variance of DDPM's noise, in as many further output channels (Nichol & Dhariwal 2021).
    pub fn learns_variance(&self) -> bool {
        match &self.kind {
            Kind::Text(parts) => parts.unet_config.out_channels == 2 * parts.vae.config.latent_channels(),
            Kind::Unconditional(config) => config.out_channels == 2 * config.image_channels(),
        }
    }

    /// Whether the network also reads the clean image that it last predicted (Chen et al. 2022).
    pub fn self_conditions(&self) -> bool {
        match &self.kind {
            Kind::Text(parts) => parts.unet_config.self_conditioning,
            Kind::Unconditional(config) => config.self_conditioning,
        }
    }

    /// Whether the network has attention in its middle, which perturbed and self-attention guidance change.
    pub fn has_middle_attention(&self) -> bool {
        self.text_to_image().is_some_and(|parts| parts.unet_config.has_middle_attention())
    }

    /// Whether the network reads the guidance scale itself, as distilled ones do: then it needs no call for a negative prompt.
    pub fn embeds_guidance(&self) -> bool {
        self.text_to_image().is_some_and(|parts| parts.unet_config.time_cond_proj_dim.is_some())
    }

    /// The network's configuration; `None` for models that read no text.
    pub fn unet(&self) -> Option<&UnetConfig> {
        self.text_to_image().map(|parts| &parts.unet_config)
    }

    /// Lists the network's layers of cross-attention in the order in which they run; empty for models that read no text.
    pub fn attention_layers(&self) -> Vec<AttentionLayer> {
        self.text_to_image().map_or_else(Vec::new, |parts| parts.unet_config.attention_layers())
    }

    /// Returns the number of layers of the text encoder with the fewest; none for a model that reads no text.
    pub fn text_layers(&self) -> Option<usize> {
        self.text_to_image()?.text.iter().map(|part| part.config.num_hidden_layers).min()
    }

    /// Returns the tokens of a text as each text encoder reads them, chunk by chunk, without start, end and padding.
    pub fn tokens(&self, text: &Text) -> Vec<Vec<Vec<Token>>> {
        let tokens = |tokenizer: &Tokenizer, chunk: Chunk| -> Vec<Token> {
            let text = |id| tokenizer.token(id).unwrap_or_default();
            chunk.ids.into_iter().zip(chunk.weights).map(|(id, weight)| Token { id, text: text(id), weight }).collect()
        };
        let parts = self.text_to_image().into_iter().flat_map(|parts| &parts.text);
        let parts = parts.map(|part| {
            let chunks = chunks(&part.tokenizer, text);
            chunks.into_iter().map(|chunk| tokens(&part.tokenizer, chunk)).collect()
        });
        parts.collect()
    }

    /// Returns the end of a plain prompt that is cut off because the prompt is too long, if any.
    pub fn cut(&self, prompt: &str) -> Option<String> {
        self.text_to_image()?.text.iter().find_map(|part| part.tokenizer.encode(prompt).cut)
    }

    /// Returns the words of a prompt that the model's tokenizer splits. If its vocabulary was [learnt](sd_clip::Vocabulary)
    /// from the training captions, these words did not occur there.
    pub fn split_words(&self, prompt: &str) -> Vec<String> {
        let first = self.text_to_image().and_then(|parts| parts.text.first());
        first.map(|part| part.tokenizer.split_words(prompt)).unwrap_or_default()
    }
}
