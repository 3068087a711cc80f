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
use crate::{Recipe, RecipeError, Training};

/// The configs of the networks, and the weights to start from.
pub(super) struct Networks {
    pub text: ClipTextConfig,
    /// XL's second text encoder.
    pub text_2: Option<ClipTextConfig>,
    pub unet: UnetConfig,
    pub scheduler: SchedulerConfig,
    start: Start<FirstWeights>,
}

/// The first weights of the networks.
struct FirstWeights {
    text: Weights,
    text_2: Option<Weights>,
    unet: Weights,
}

impl Networks {
    pub fn from_recipe(recipe: &Recipe) -> Result<Self, RecipeError> {
        if let Some(folder) = &recipe.start {
            let file = |name: &str| folder.join(name);
            let unet = Json::read(&file("unet/config.json"))?.loosely(&mut Vec::new(), unet_config)?.0;
            let is_xl = unet.addition.is_some();
            if is_xl && !file("text_encoder").is_dir() {
                return Err(
                    recipe.wrong("XL's refiner cannot be trained: expected an XL model with two text encoders".into())
                );
            }
            let text = |name: &str, class| -> Result<ClipTextConfig, RecipeError> {
                Ok(clip_config(Json::read(&file(name).join("config.json"))?, class)?)
            };
            return Ok(Self {
                text: text("text_encoder", "CLIPTextModel")?,
                text_2: is_xl.then(|| text("text_encoder_2", "CLIPTextModelWithProjection")).transpose()?,
                unet,
                scheduler: scheduler(recipe)?,
                start: open_start(recipe, is_xl)?,
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
            text_2: None,
            unet: recipe.unet_table(4).strictly(unet_config)?.0,
            scheduler: scheduler(recipe)?,
            start: open_start(recipe, false)?,
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
        if unet.addition.is_some() && recipe.train != Training::Lora {
            let reason = "an XL model, which has two text encoders, can be trained by `train = \"lora\"` only";
            return Err(recipe.wrong(reason.into()));
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
        let width = self.text_width();
        if unet.cross_attention_dim != width {
            let of = if self.text_2.is_some() { "the text encoders' together" } else { "the text encoder's" };
            return Err(recipe.wrong(format!(
                "`cross_attention_dim` is {}, but {of} `hidden_size` is {width}",
                unet.cross_attention_dim
            )));
        }
        if let Some((addition, text)) = unet.addition.zip(self.text_2.as_ref()) {
            let width = 6 * addition.time_embed_dim + text.projection_dim.unwrap_or(text.hidden_size);
            if addition.input_dim != width {
                return Err(recipe.wrong(format!(
                    "`projection_class_embeddings_input_dim` is {}, but six sizes and the pooled text have {width}",
                    addition.input_dim
                )));
            }
            if text.num_hidden_layers.min(self.text.num_hidden_layers) < 2 {
                return Err(
                    recipe.wrong("XL reads the last layer but one of text encoders, and one has a single layer".into())
                );
            }
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

    /// Width of the encoded text.
    pub fn text_width(&self) -> usize {
        self.text.hidden_size + self.text_2.as_ref().map_or(0, |text| text.hidden_size)
    }

    /// Returns the networks with any weights, which are not allocated before they are used.
    pub fn outline(&self, device: &Device) -> TextToLatents {
        let networks = TextToLatents::new(self.text.init(device), self.unet.init(device));
        match &self.text_2 {
            Some(text) => networks.with_second(text.init(device)),
            None => networks,
        }
    }

    /// Counts the weights of the networks, without allocating them.
    pub fn count_weights(&self, device: &Device) -> usize {
        self.outline(device).num_params()
    }

    /// Returns the networks on a device, with their first weights.
    pub fn init(&self, recipe: &Recipe, device: &Device) -> Result<TextToLatents, RecipeError> {
        let networks = self.start.init(self.outline(device), |first, networks| {
            let second = networks.text_2.zip(first.text_2.as_ref());
            Ok(TextToLatents {
                text: first.text.load(networks.text, FloatDType::F32)?,
                text_2: second.map(|(text, weights)| weights.load(text, FloatDType::F32)).transpose()?,
                unet: first.unet.load(networks.unet, FloatDType::F32)?,
            })
        })?;
        Ok(match recipe.diffusion.freeze_text_encoder {
            true => TextToLatents { text: networks.text.freeze(), ..networks },
            false => networks,
        })
    }
}

/// Opens the text encoders' and the U-Net's weights of the start folder.
fn open_start(recipe: &Recipe, is_xl: bool) -> Result<Start<FirstWeights>, RecipeError> {
    Start::open(recipe, |folder| {
        let text = |name: &str| Weights::in_folder(&folder.join(name), "model");
        Ok(FirstWeights {
            text: text("text_encoder")?,
            text_2: is_xl.then(|| text("text_encoder_2")).transpose()?,
            unet: weights(&folder.join("unet"))?,
        })
    })
}
