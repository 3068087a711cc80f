use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_clip::{ClipTextConfig, Tokenizer};
use sd_model::config::write as diffusers;
use sd_model::config::{Json, SchedulerConfig, clip_config, unet_config};
use sd_pipeline::{DType, Image, Pipeline, Request};
use sd_train::tasks::{Diffusion, DiffusionConfig, TextToLatents};
use sd_unet::UnetConfig;
use sd_vae::AutoencoderKlConfig;
use sd_weights::{Weights, save};

use super::begin::begin;
use super::folder::{copy, create, is_copy, weights, weights_precision, write_json, write_scheduler};
use super::kept::{keep, kept};
use super::latents::{latents, read_config};
use super::objective::{objective, scheduler, timesteps};
use super::samples::draw;
use super::start::Start;
use super::tokenizer::{LEAST, tokenizer};
use crate::data::Identity;
use crate::product::Product;
use crate::run::run;
use crate::{Event, Recipe, RecipeError, Watch};

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let named = recipe.start.as_ref().or(recipe.diffusion.autoencoder.as_ref());
    let named = named.expect("a recipe that was read names one").join("vae");
    let vae = kept(recipe, "vae").unwrap_or_else(|| named.clone());
    let codec = read_config(&vae)?;
    weights(&vae)?;
    let networks = Networks::from_recipe(recipe)?;
    networks.check(recipe, &codec)?;
    let autodiff = device.clone().autodiff();
    let size = recipe.data.size / codec.factor();
    recipe.check_training("unet", networks.count_weights(&autodiff), codec.latent_channels * size * size)?;
    recipe.check_samples(&request(recipe, 0, ""), &networks.scheduler)?;
    let precision = weights_precision(recipe)?;

    let (_lock, images) = begin(recipe, watch)?;
    let vae = keep(recipe, "vae", |folder| copy(&named, folder))?;
    if named.is_dir() && !is_copy(&vae, &named)? {
        let _ = watch(&Event::Warning(format!(
            "{} differs from the autoencoder that this training began with, which stays in use: name another `output` to \
             train on latents of the new one",
            named.display()
        )));
    }
    let tokenizer = tokenizer(recipe, &images.captions)?;
    let networks = networks.with_tokens(&tokenizer);
    let data = Identity::new(&images);
    let latents = latents(recipe, &images, &data.images, &vae, device, watch)?;
    let captions = images.captions.iter().map(|caption| tokenizer.encode(caption).ids).collect();
    let settings = DiffusionConfig::new(recipe.seed)
        .with_caption_dropout(recipe.diffusion.caption_dropout)
        .with_noise_offset(recipe.diffusion.noise_offset);
    let scheduler = &networks.scheduler;
    let (objective, timesteps) = (objective(recipe, scheduler), timesteps(recipe, scheduler));
    let task = Diffusion::new(latents, captions, tokenizer.encode("").ids, objective, timesteps, settings);
    let model = networks.init(recipe, &autodiff)?;
    let captions = images.for_samples(recipe, watch)?.captions;
    drop(images);
    run(recipe, model, task, &Drawer { size, vae, captions, recipe, networks, precision, device }, data, watch)
}

/// The request of a sample.
fn request(recipe: &Recipe, seed: u64, caption: &str) -> Request {
    let settings = &recipe.samples;
    Request { steps: Some(settings.steps), guidance: Some(settings.guidance), seed, ..Request::new(caption) }
}

/// The configs of the networks, and the weights to start from.
struct Networks {
    text: ClipTextConfig,
    unet: UnetConfig,
    scheduler: SchedulerConfig,
    /// The first weights of the text encoder and the U-Net.
    start: Start<[Weights; 2]>,
}

impl Networks {
    fn from_recipe(recipe: &Recipe) -> Result<Self, RecipeError> {
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
            unet: recipe.table("unet", &recipe.unet).strictly(unet_config)?.0,
            scheduler: scheduler(recipe)?,
            start: open_start(recipe)?,
        })
    }

    /// Returns the networks with the tokenizer's number of tokens, unless they come from a start folder.
    fn with_tokens(self, tokenizer: &Tokenizer) -> Self {
        if !self.start.is_random() {
            return self;
        }
        let end = tokenizer.highest_id();
        Self { text: ClipTextConfig { vocab_size: end as usize + 1, eos_token_id: end, ..self.text }, ..self }
    }

    /// Checks that the networks fit together, and the images to them.
    fn check(&self, recipe: &Recipe, codec: &AutoencoderKlConfig) -> Result<(), RecipeError> {
        let (unet, channels) = (&self.unet, codec.latent_channels);
        if unet.addition.is_some() {
            return Err(recipe.wrong("XL models, which have two text encoders, cannot be trained yet".into()));
        }
        if (unet.in_channels, unet.out_channels) != (channels, channels) {
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
        let multiple = codec.factor() << (unet.levels.len() - 1);
        if !recipe.data.size.is_multiple_of(multiple) {
            return Err(recipe.wrong(format!(
                "`data.size` is {}, expected a multiple of {multiple}, by which autoencoder and U-Net shrink images",
                recipe.data.size
            )));
        }
        Ok(())
    }

    /// Counts the weights of the networks, without allocating them.
    fn count_weights(&self, device: &Device) -> usize {
        self.text.init(device).num_params() + self.unet.init(device).num_params()
    }

    /// Returns the networks on an autodiff device, with their first weights.
    fn init(&self, recipe: &Recipe, device: &Device) -> Result<TextToLatents, RecipeError> {
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

/// Writes a model folder, and draws with it.
struct Drawer<'a> {
    recipe: &'a Recipe,
    networks: Networks,
    /// The autoencoder's folder.
    vae: PathBuf,
    /// Width and height of the latents.
    size: usize,
    captions: Vec<String>,
    /// Precision of the saved weights.
    precision: FloatDType,
    device: &'a Device,
}

impl Product<TextToLatents> for Drawer<'_> {
    fn save(&self, model: &TextToLatents, folder: &Path, _watch: &mut Watch) -> Result<(), RecipeError> {
        let (unet, text) = (folder.join("unet"), folder.join("text_encoder"));
        create(&unet)?;
        create(&text)?;
        write_json(&unet.join("config.json"), &diffusers::unet_config(&self.networks.unet, self.size))?;
        write_json(&text.join("config.json"), &diffusers::text_encoder_config(&self.networks.text))?;
        save(&model.unet, &unet.join("diffusion_pytorch_model.safetensors"), self.precision)?;
        save(&model.text, &text.join("model.safetensors"), self.precision)?;
        copy(&self.vae, &folder.join("vae"))?;
        copy(&self.recipe.checkpoint().join("tokenizer"), &folder.join("tokenizer"))?;
        let scheduler = write_scheduler(self.recipe, folder, "DDIMScheduler")?;
        write_json(&folder.join("model_index.json"), &diffusers::model_index(&scheduler))
    }

    /// Images of the captions, always with the same seeds.
    fn samples(&self, _model: &TextToLatents, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let pipeline = Pipeline::open(folder, self.device, DType::F32)?;
        let captions = (0..).zip(&self.captions);
        let requests: Vec<Request> = captions.map(|(seed, caption)| request(self.recipe, seed, caption)).collect();
        draw(&pipeline, &requests, watch)
    }
}
