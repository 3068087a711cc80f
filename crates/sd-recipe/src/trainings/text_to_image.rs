use std::path::{Path, PathBuf};
use std::slice::from_ref;

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_model::config::write as diffusers;
use sd_pipeline::{DType, Image, Pipeline, Request};
use sd_train::tasks::TextToLatents;
use sd_weights::save;

use super::begin::begin_in_buckets;
use super::diffusion::{captions, diffusion, sample, sample_captions};
use super::encoded_captions::with_encoded_captions;
use super::folder::{copy, create, is_copy, weights, weights_precision, write_json, write_scheduler};
use super::kept::{keep, kept};
use super::latents::{latents, read_config};
use super::networks::Networks;
use super::prior::Class;
use super::samples::draw;
use super::tokenizer::tokenizer;
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
    recipe.check_samples(&sample(recipe, 0, ""), &networks.scheduler)?;
    let precision = weights_precision(recipe)?;

    let (_lock, images) = begin_in_buckets(recipe, networks.multiple(&codec), watch)?;
    let vae = keep(recipe, "vae", |folder| copy(&named, folder))?;
    if named.is_dir() && !is_copy(&vae, &named)? {
        let _ = watch(&Event::Warning(format!(
            "{} differs from the autoencoder that this training began with, which stays in use: name another `output` to \
             train on latents of the new one",
            named.display()
        )));
    }
    let tokenizer = tokenizer(recipe, &captions(&images))?;
    let networks = networks.with_tokens(&tokenizer);
    let class = Class::read(recipe, &vae, device, watch)?;
    let data = Identity::of_buckets(&images).with_class(class.as_ref().map(|class| &class.identity));
    let latents = latents(recipe, "latents", &images, &data.images, &vae, device, watch)?;
    let task = diffusion(recipe, &images, latents, from_ref(&tokenizer), &networks.scheduler);
    let task = match class {
        Some(class) => class.add_to(task, recipe, from_ref(&tokenizer), &networks.scheduler),
        None => task,
    };
    let model = networks.init(recipe, &autodiff)?;
    let task = match recipe.diffusion.freeze_text_encoder {
        true => with_encoded_captions(task, &model.valid(), networks.text.hidden_size, watch)?,
        false => task,
    };
    let captions = sample_captions(recipe, &images, watch)?;
    drop(images);
    run(recipe, model, task, &Drawer { size, vae, captions, recipe, networks, precision, device }, data, watch)
}

/// Writes a model folder, and draws with it.
pub(super) struct Drawer<'a> {
    pub recipe: &'a Recipe,
    pub networks: Networks,
    /// The autoencoder's folder.
    pub vae: PathBuf,
    /// Width and height of the latents.
    pub size: usize,
    pub captions: Vec<String>,
    /// Precision of the saved weights.
    pub precision: FloatDType,
    pub device: &'a Device,
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
        // Only DDPM reads a learned variance.
        let class = if self.recipe.diffusion.learned_variance { "DDPMScheduler" } else { "DDIMScheduler" };
        let scheduler = write_scheduler(self.recipe, folder, class)?;
        write_json(&folder.join("model_index.json"), &diffusers::model_index(&scheduler))
    }

    /// Images of the captions, always with the same seeds.
    fn samples(&self, _model: &TextToLatents, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let pipeline = Pipeline::open(folder, self.device, DType::F32)?;
        let captions = (0..).zip(&self.captions);
        let requests: Vec<Request> = captions.map(|(seed, caption)| sample(self.recipe, seed, caption)).collect();
        draw(&pipeline, &requests, watch)
    }
}
