use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_clip::{ClipTextConfig, Tokenizer};
use sd_model::config::write as diffusers;
use sd_model::config::{Json, SchedulerConfig, clip_config, unet_config};
use sd_pipeline::{DType, Image, Pipeline, Request};
use sd_train::initialise;
use sd_train::tasks::{Diffusion, DiffusionConfig, TextToLatents};
use sd_unet::UnetConfig;
use sd_vae::AutoencoderKlConfig;
use sd_weights::{Weights, save};

use super::begin;
use super::folder::{copy, create, dtype, is_copy, weights, write_json, write_scheduler};
use super::kept::{keep, kept};
use super::latents::{latents, read_config};
use super::objective::{objective, timesteps};
use super::samples::draw;
use super::words::{LEAST, tokenizer};
use crate::run::{Product, run};
use crate::{Event, Recipe, RecipeError, Watch};

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let named = recipe.start.as_ref().or(recipe.diffusion.autoencoder.as_ref());
    let named = named.expect("a recipe that was read names one").join("vae");
    let vae = kept(recipe, "vae").unwrap_or_else(|| named.clone());
    let codec = read_config(&vae)?;
    weights(&vae)?;
    let networks = Networks::of(recipe)?;
    networks.check(recipe, &codec)?;
    let autodiff = device.clone().autodiff();
    let size = recipe.data.size / codec.factor();
    recipe.check_training("unet", networks.count_weights(&autodiff), codec.latent_channels * size * size)?;
    recipe.check_samples(&request(recipe, 0, ""), &networks.scheduler)?;
    let dtype = dtype(recipe)?;

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
    let networks = networks.reading(&tokenizer);
    let data = images.identity();
    let latents = latents(recipe, &images, &data.images, &vae, device, watch)?;
    let captions = images.captions.iter().map(|caption| tokenizer.encode(caption).ids).collect();
    let settings = DiffusionConfig::new(recipe.seed)
        .with_caption_dropout(recipe.diffusion.caption_dropout)
        .with_noise_offset(recipe.diffusion.noise_offset);
    let scheduler = &networks.scheduler;
    let (objective, timesteps) = (objective(recipe, scheduler), timesteps(recipe, scheduler));
    let task = Diffusion::new(latents, captions, tokenizer.encode("").ids, objective, timesteps, settings);
    let model = networks.init(recipe, &autodiff)?;
    let captions = images.to_look_at(recipe, watch)?.captions;
    drop(images);
    run(recipe, model, task, &Drawer { size, vae, captions, recipe, networks, dtype, device }, data, watch)
}

/// A sample of a caption.
fn request(recipe: &Recipe, seed: u64, caption: &str) -> Request {
    let settings = &recipe.samples;
    Request { steps: Some(settings.steps), guidance: Some(settings.guidance), seed, ..Request::new(caption) }
}

/// The networks that are trained, as plain numbers.
struct Networks {
    text: ClipTextConfig,
    unet: UnetConfig,
    scheduler: SchedulerConfig,
    /// The weights of the text encoder and the U-Net to begin with, if they are not random.
    start: Option<[Weights; 2]>,
}

impl Networks {
    fn of(recipe: &Recipe) -> Result<Self, RecipeError> {
        if let Some(folder) = &recipe.start {
            let file = |name: &str| folder.join(name);
            let notes = &mut Vec::new();
            return Ok(Self {
                text: clip_config(Json::read(&file("text_encoder/config.json"))?, "CLIPTextModel")?,
                unet: Json::read(&file("unet/config.json"))?.loosely(notes, unet_config)?.0,
                scheduler: Json::read(&file("scheduler/scheduler_config.json"))?.loosely(notes, SchedulerConfig::of)?,
                start: Some([
                    Weights::in_folder(&folder.join("text_encoder"), "model")?,
                    weights(&folder.join("unet"))?,
                ]),
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
            // As many as there will be at least.
            text: ClipTextConfig { vocab_size: LEAST, ..text },
            unet: recipe.table("unet", &recipe.unet).strictly(unet_config)?.0,
            scheduler: recipe.table("scheduler", &recipe.scheduler).strictly(SchedulerConfig::of)?,
            start: None,
        })
    }

    /// These networks with as many tokens as a tokenizer makes, unless they are those of a model to begin with.
    fn reading(self, tokenizer: &Tokenizer) -> Self {
        if self.start.is_some() {
            return self;
        }
        let end = tokenizer.highest_id();
        Self { text: ClipTextConfig { vocab_size: end as usize + 1, eos_token_id: end, ..self.text }, ..self }
    }

    /// Whether the networks fit together, and the images to them.
    fn check(&self, recipe: &Recipe, codec: &AutoencoderKlConfig) -> Result<(), RecipeError> {
        let (unet, channels) = (&self.unet, codec.latent_channels);
        if unet.addition.is_some() {
            return Err(recipe.wrong("models of the XL kind, with two text encoders, cannot be trained yet".into()));
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
                "`data.size` is {}, which is not a multiple of {multiple}, by which autoencoder and U-Net make images \
                 smaller",
                recipe.data.size
            )));
        }
        Ok(())
    }

    /// Numbers of the networks, of which none is made for that.
    fn count_weights(&self, device: &Device) -> usize {
        self.text.init(device).num_params() + self.unet.init(device).num_params()
    }

    /// The networks on an autodiff device: those of the folder to begin with, or random ones.
    fn init(&self, recipe: &Recipe, device: &Device) -> Result<TextToLatents, RecipeError> {
        let networks = TextToLatents { text: self.text.init(device), unet: self.unet.init(device) };
        let networks = match &self.start {
            Some([text, unet]) => TextToLatents {
                text: text.load(networks.text, FloatDType::F32)?,
                unet: unet.load(networks.unet, FloatDType::F32)?,
            },
            None => initialise(networks, recipe.seed),
        };
        Ok(match recipe.diffusion.freeze_text_encoder {
            true => TextToLatents { text: networks.text.freeze(), unet: networks.unet },
            false => networks,
        })
    }
}

/// A model folder that draws.
struct Drawer<'a> {
    recipe: &'a Recipe,
    networks: Networks,
    /// The autoencoder's folder.
    vae: PathBuf,
    /// Width and height of the latents.
    size: usize,
    captions: Vec<String>,
    dtype: FloatDType,
    device: &'a Device,
}

impl Product<TextToLatents> for Drawer<'_> {
    fn save(&self, model: &TextToLatents, folder: &Path, _watch: &mut Watch) -> Result<(), RecipeError> {
        let (unet, text) = (folder.join("unet"), folder.join("text_encoder"));
        create(&unet)?;
        create(&text)?;
        write_json(&unet.join("config.json"), &diffusers::unet_config(&self.networks.unet, self.size))?;
        write_json(&text.join("config.json"), &diffusers::text_encoder_config(&self.networks.text))?;
        save(&model.unet, &unet.join("diffusion_pytorch_model.safetensors"), self.dtype)?;
        save(&model.text, &text.join("model.safetensors"), self.dtype)?;
        copy(&self.vae, &folder.join("vae"))?;
        copy(&self.recipe.checkpoint().join("tokenizer"), &folder.join("tokenizer"))?;
        let scheduler = write_scheduler(self.recipe, folder, "DDIMScheduler")?;
        write_json(&folder.join("model_index.json"), &diffusers::model_index(&scheduler))
    }

    /// An image for each caption, with seeds that are always the same.
    fn samples(&self, _model: &TextToLatents, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let pipeline = Pipeline::open(folder, self.device, DType::F32)?;
        let captions = (0..).zip(&self.captions);
        let requests: Vec<Request> = captions.map(|(seed, caption)| request(self.recipe, seed, caption)).collect();
        draw(&pipeline, &requests, watch)
    }
}
