use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_clip::{ClipTextConfig, Tokenizer};
use sd_pipeline::config::{Json, SchedulerConfig, clip_config, unet_config};
use sd_pipeline::{DType, Image, Pipeline, Request};
use sd_train::tasks::{Diffusion, DiffusionConfig, TextToLatents};
use sd_train::{diffusers, initialise};
use sd_unet::{Unet, UnetConfig};
use sd_weights::{Weights, save};
use serde_json::Value;

use super::folder::{begin_scheduler, copy, create, dtype, write_json};
use super::latents::{Codec, latents};
use super::objective::{objective, timesteps};
use super::words::tokenizer;
use crate::run::{Product, run};
use crate::sheet::sheet;
use crate::{Event, Pictures, Recipe, RecipeError, Watch};

/// The parts of a model folder that are taken over as they are.
const UNCHANGED: [&str; 2] = ["vae", "scheduler"];

pub(super) fn train(
    recipe: &Recipe,
    pictures: Pictures,
    device: &Device,
    watch: &mut Watch,
) -> Result<(), RecipeError> {
    let model = recipe.output.join("model");
    let codec = Codec::open(recipe, device)?;
    let tokenizer = tokenizer(recipe, &pictures.captions, &model.join("tokenizer"))?;
    let networks = Networks::of(recipe, &tokenizer)?;
    networks.check(recipe, &codec)?;
    networks.begin_folder(recipe, &codec, &model)?;

    let _ = watch(&Event::Busy("encoding the pictures"));
    let latents = latents(recipe, &pictures, &codec)?;
    let captions = pictures.captions.iter().map(|caption| tokenizer.encode(caption).ids).collect();
    let settings = DiffusionConfig::new(recipe.seed)
        .with_caption_dropout(recipe.diffusion.caption_dropout)
        .with_noise_offset(recipe.diffusion.noise_offset);
    let scheduler = &networks.scheduler;
    let (objective, timesteps) = (objective(recipe, scheduler), timesteps(recipe, scheduler));
    let task = Diffusion::new(latents, captions, tokenizer.encode("").ids, objective, timesteps, settings);
    let start = networks.init(recipe, &device.clone().autodiff())?;
    let product = Drawer {
        size: pictures.size / codec.config.factor(),
        captions: pictures.to_look_at(recipe).captions,
        recipe,
        networks,
        device,
    };
    drop((pictures, codec));
    run(recipe, start, task, &product, watch)
}

/// The networks that are trained, as plain numbers.
struct Networks {
    text: ClipTextConfig,
    unet: UnetConfig,
    scheduler: SchedulerConfig,
}

impl Networks {
    fn of(recipe: &Recipe, tokenizer: &Tokenizer) -> Result<Self, RecipeError> {
        if let Some(folder) = &recipe.start {
            let file = |name: &str| folder.join(name);
            let notes = &mut Vec::new();
            return Ok(Self {
                text: clip_config(Json::read(&file("text_encoder/config.json"))?, "CLIPTextModel")?,
                unet: Json::read(&file("unet/config.json"))?.loosely(notes, unet_config)?.0,
                scheduler: Json::read(&file("scheduler/scheduler_config.json"))?.loosely(notes, SchedulerConfig::of)?,
            });
        }
        let end = tokenizer.highest_id();
        let text = clip_config(recipe.table("text_encoder", &recipe.text_encoder), "CLIPTextModel")?;
        Ok(Self {
            text: ClipTextConfig { vocab_size: end as usize + 1, eos_token_id: end, ..text },
            unet: recipe.table("unet", &recipe.unet).strictly(unet_config)?.0,
            scheduler: recipe.table("scheduler", &recipe.scheduler).strictly(SchedulerConfig::of)?,
        })
    }

    /// Whether the networks fit together, and the pictures to them.
    fn check(&self, recipe: &Recipe, codec: &Codec) -> Result<(), RecipeError> {
        let (unet, channels) = (&self.unet, codec.config.latent_channels);
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
        let multiple = codec.config.factor() << (unet.levels.len() - 1);
        if !recipe.data.size.is_multiple_of(multiple) {
            return Err(recipe.wrong(format!(
                "`data.size` is {}, which is not a multiple of {multiple}, by which autoencoder and U-Net make pictures \
                 smaller",
                recipe.data.size
            )));
        }
        Ok(())
    }

    /// Writes the parts of a model folder that do not change with the training.
    fn begin_folder(&self, recipe: &Recipe, codec: &Codec, model: &Path) -> Result<(), RecipeError> {
        create(model)?;
        match &recipe.start {
            Some(start) => UNCHANGED.iter().try_for_each(|part| copy(&start.join(part), &model.join(part)))?,
            None => {
                copy(&codec.folder, &model.join("vae"))?;
                begin_scheduler(recipe, model, "DDIMScheduler")?;
            }
        }
        let scheduler = Json::read(&model.join("scheduler/scheduler_config.json"))?;
        let class = scheduler.get("_class_name").and_then(Value::as_str).unwrap_or("DDIMScheduler");
        write_json(&model.join("model_index.json"), &diffusers::model_index(class))
    }

    /// The networks on an autodiff device: those of the folder to begin with, or random ones.
    fn init(&self, recipe: &Recipe, device: &Device) -> Result<TextToLatents, RecipeError> {
        let networks = TextToLatents { text: self.text.init(device), unet: self.unet.init(device) };
        let networks = match &recipe.start {
            Some(folder) => TextToLatents {
                text: Weights::in_folder(&folder.join("text_encoder"), "model")?
                    .load(networks.text, FloatDType::F32)?,
                unet: load_unet(folder, networks.unet)?,
            },
            None => initialise(networks, recipe.seed),
        };
        Ok(match recipe.diffusion.freeze_text_encoder {
            true => TextToLatents { text: networks.text.freeze(), unet: networks.unet },
            false => networks,
        })
    }
}

fn load_unet(folder: &Path, unet: Unet) -> Result<Unet, RecipeError> {
    Ok(Weights::in_folder(&folder.join("unet"), "diffusion_pytorch_model")?.load(unet, FloatDType::F32)?)
}

/// A model folder that draws.
struct Drawer<'a> {
    recipe: &'a Recipe,
    networks: Networks,
    /// Width and height of the latents.
    size: usize,
    captions: Vec<String>,
    device: &'a Device,
}

impl Product<TextToLatents> for Drawer<'_> {
    fn save(&self, model: &TextToLatents, folder: &Path) -> Result<(), RecipeError> {
        let (unet, text, dtype) = (folder.join("unet"), folder.join("text_encoder"), dtype(self.recipe)?);
        create(&unet)?;
        create(&text)?;
        write_json(&unet.join("config.json"), &diffusers::unet_config(&self.networks.unet, self.size))?;
        write_json(&text.join("config.json"), &diffusers::text_encoder_config(&self.networks.text))?;
        save(&model.unet, &unet.join("diffusion_pytorch_model.safetensors"), dtype)?;
        Ok(save(&model.text, &text.join("model.safetensors"), dtype)?)
    }

    /// A picture for each caption, with seeds that are always the same.
    fn samples(&self, _model: &TextToLatents, folder: &Path) -> Result<Image, RecipeError> {
        let pipeline = Pipeline::from_folder(folder, self.device, DType::F32)?;
        let settings = &self.recipe.samples;
        let draw = |(seed, caption): (u64, &String)| {
            let request = Request {
                steps: Some(settings.steps),
                guidance: Some(settings.guidance),
                seed,
                ..Request::new(caption.as_str())
            };
            Ok(pipeline.draw(&request)?.image)
        };
        let pictures: Result<Vec<Image>, RecipeError> = (0..).zip(&self.captions).map(draw).collect();
        Ok(sheet(&pictures?, 8))
    }
}
