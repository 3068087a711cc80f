use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_clip::{ClipTextConfig, Tokenizer};
use sd_model::config::{Json, SchedulerConfig, clip_config, unet_config};
use sd_train::tasks::TextToLatents;
use sd_unet::UnetConfig;
use sd_vae::AutoencoderKlConfig;
use sd_weights::Weights;

use super::folder::weights;
use super::objective::scheduler;
use super::start::Start;
use super::tokenizer::LEAST;
use crate::{Recipe, RecipeError};

/// The configs of the networks, and the weights to start from.
pub(super) struct Networks {
    pub text: ClipTextConfig,
    pub unet: UnetConfig,
    pub scheduler: SchedulerConfig,
    /// The first weights of the text encoder and the U-Net.
    start: Start<[Weights; 2]>,
}

impl Networks {
    pub fn from_recipe(recipe: &Recipe) -> Result<Self, RecipeError> {
        if let Some(folder) = &recipe.start {
            let file = |name: &str| folder.join(name);
            return Ok(Self {
                text: clip_config(Json::read(&file("text_encoder/config.json"))?, "CLIPTextModel")?,
                unet: Json::read(&file("unet/config.json"))?.loosely(&mut Vec::new(), unet_config)?.0,
                scheduler: scheduler(recipe)?,
                start: open_start(recipe)?,
            });
        }
        let text = clip_config(recipe.table("text_encoder", &recipe.text_encoder), "CLIPTextModel")?;
        if text.vocab_size < LEAST {
            let found = text.vocab_size;
            return Err(
                recipe.wrong(format!("`vocab_size` is {found}, expected at least {LEAST}: every byte is a token"))
            );
        }
        Ok(Self {
            // The smallest number of tokens; the tokenizer may have more.
            text: ClipTextConfig { vocab_size: LEAST, ..text },
            unet: recipe.unet_table(4).strictly(unet_config)?.0,
            scheduler: scheduler(recipe)?,
            start: open_start(recipe)?,
        })
    }

    /// Returns the networks with the tokenizer's number of tokens, unless they come from a start folder.
    pub fn with_tokens(self, tokenizer: &Tokenizer) -> Self {
        if !self.start.is_random() {
            return self;
        }
        let end = tokenizer.highest_id();
        Self { text: ClipTextConfig { vocab_size: end as usize + 1, eos_token_id: end, ..self.text }, ..self }
    }

    /// Checks that the networks fit together, and the images to them.
    pub fn check(&self, recipe: &Recipe, codec: &AutoencoderKlConfig) -> Result<(), RecipeError> {
        let (unet, channels) = (&self.unet, codec.latent_channels);
        if unet.addition.is_some() {
            return Err(recipe.wrong("XL models, which have two text encoders, cannot be trained yet".into()));
        }
        if unet.time_cond_proj_dim.is_some() {
            let reason =
                "a U-Net that reads the guidance scale (`time_cond_proj_dim`) was distilled, and cannot be trained yet";
            return Err(recipe.wrong(reason.into()));
        }
        recipe.check_inputs(unet.self_conditioning)?;
        recipe.check_outputs(unet.out_channels, channels, &self.scheduler)?;
        let inputs = if recipe.diffusion.self_conditioning { 2 * channels } else { channels };
        let outputs = if recipe.diffusion.learned_variance { 2 * channels } else { channels };
        if (unet.in_channels, unet.out_channels) != (inputs, outputs) {
            return Err(recipe.wrong(format!(
                "the U-Net takes {} channels and gives {}, but the autoencoder's latents have {channels}",
                unet.in_channels, unet.out_channels
            )));
        }
        if unet.cross_attention_dim != self.text.hidden_size {
            return Err(recipe.wrong(format!(
                "`cross_attention_dim` is {}, but the text encoder's `hidden_size` is {}",
                unet.cross_attention_dim, self.text.hidden_size
            )));
        }
        let multiple = self.multiple(codec);
        if !recipe.data.size.is_multiple_of(multiple) {
            return Err(recipe.wrong(format!(
                "`data.size` is {}, expected a multiple of {multiple}, by which autoencoder and U-Net shrink images",
                recipe.data.size
            )));
        }
        Ok(())
    }

    /// The number of pixels of which the sides of images are multiples: autoencoder and U-Net shrink them by it.
    pub fn multiple(&self, codec: &AutoencoderKlConfig) -> usize {
        codec.factor() << (self.unet.levels.len() - 1)
    }

    /// Counts the weights of the networks, without allocating them.
    pub fn count_weights(&self, device: &Device) -> usize {
        self.text.init(device).num_params() + self.unet.init(device).num_params()
    }

    /// Returns the networks on a device, with their first weights.
    pub fn init(&self, recipe: &Recipe, device: &Device) -> Result<TextToLatents, RecipeError> {
        let networks = TextToLatents { text: self.text.init(device), unet: self.unet.init(device) };
        let networks = self.start.init(networks, |[text, unet], networks| {
            Ok(TextToLatents {
                text: text.load(networks.text, FloatDType::F32)?,
                unet: unet.load(networks.unet, FloatDType::F32)?,
            })
        })?;
        Ok(match recipe.diffusion.freeze_text_encoder {
            true => TextToLatents { text: networks.text.freeze(), unet: networks.unet },
            false => networks,
        })
    }
}

/// Opens the text encoder's and the U-Net's weights of the start folder.
fn open_start(recipe: &Recipe) -> Result<Start<[Weights; 2]>, RecipeError> {
    Start::open(recipe, |folder| {
        let text = Weights::in_folder(&folder.join("text_encoder"), "model")?;
        Ok([text, weights(&folder.join("unet"))?])
    })
}
