use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, FloatDType};
use sd_pipeline::{DType, Image, Lora, Model, Pipeline, Request};
use sd_train::Adapters;
use sd_train::tasks::{Adaptation, Adapting, TextToLatents};
use sd_weights::{Component, LoraLayer, LoraNames, OriginalNames, parameters, write_lora};

use super::begin::begin_in_buckets;
use super::diffusion::{diffusion, sample, sample_captions};
use super::encoded_captions::with_encoded_captions;
use super::folder::{weights, weights_precision};
use super::latents::{latents, read_config};
use super::lora_metadata::metadata;
use super::networks::Networks;
use super::prior::Class;
use super::samples::draw;
use super::tokenizers::tokenizers;
use crate::data::Identity;
use crate::product::Product;
use crate::run::run;
use crate::{LoraConfig, Recipe, RecipeError, Watch};

/// The file with the names of kohya's programs.
const KOHYA: &str = "lora.safetensors";

/// The file with the names of PEFT, and diffusers' name for it.
const PEFT: &str = "pytorch_lora_weights.safetensors";

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let (start, lora) = recipe.start.as_ref().zip(recipe.lora.as_ref()).expect("a recipe that was read has both");
    let vae = start.join("vae");
    let codec = read_config(&vae)?;
    weights(&vae)?;
    let networks = Networks::from_recipe(recipe)?;
    networks.check(recipe, &codec)?;
    let autodiff = device.clone().autodiff();
    // Frozen weights are in memory once, and not with their average and two moments.
    let count = count_weights(lora, &networks, device) + networks.count_weights(device) / 4;
    recipe.check_training("lora", count, codec.latent_channels * (recipe.data.size / codec.factor()).pow(2))?;
    recipe.check_samples(&sample(recipe, 0, ""), &networks.scheduler)?;
    let precision = weights_precision(recipe)?;
    let tokenizers = tokenizers(recipe, networks.text_2.is_some())?;

    let (_lock, images) = begin_in_buckets(recipe, networks.multiple(&codec), watch)?;
    let class = Class::read(recipe, &vae, device, watch)?;
    let data = Identity::of_buckets(&images).with_class(class.as_ref().map(|class| &class.identity));
    let latents = latents(recipe, "latents", &images, &data.images, &vae, device, watch)?;
    let diffusion = diffusion(recipe, &images, latents, &tokenizers, &networks.scheduler);
    let diffusion = match class {
        Some(class) => class.add_to(diffusion, recipe, &tokenizers, &networks.scheduler),
        None => diffusion,
    };
    let captions = sample_captions(recipe, &images, watch)?;
    let metadata = metadata(recipe, lora, &images, &networks);
    drop(images);
    let width = networks.text_width();
    // Without autodiff, so that none of their gradients are computed.
    let networks = networks.init(recipe, device)?;
    let config = lora.adapters();
    let text = lora.text_encoder.then_some(config);
    let diffusion = match text {
        Some(_) => diffusion,
        None => with_encoded_captions(diffusion, &networks, width, watch)?,
    };
    let names = kohya_names(&networks);
    let model = Adaptation::new(&networks, config, text, recipe.seed, &autodiff);
    let task = Adapting::new(diffusion, networks, lora.dropout, recipe.seed);
    run(recipe, model, task, &Drawer { recipe, captions, names, metadata, precision, device }, data, watch)
}

/// Counts the weights of the adapters, without allocating them.
fn count_weights(lora: &LoraConfig, networks: &Networks, device: &Device) -> usize {
    let config = lora.adapters();
    let outline = networks.outline(device);
    let unet = Adapters::count_weights(&outline.unet, Component::Unet, config);
    if !lora.text_encoder {
        return unet;
    }
    let second = outline.text_2.map(|text| Adapters::count_weights(&text, Component::TextEncoder2, config));
    unet + Adapters::count_weights(&outline.text, Component::TextEncoder, config) + second.unwrap_or(0)
}

/// The names of the first file's tensors.
fn kohya_names(networks: &TextToLatents) -> LoraNames {
    if networks.text_2.is_none() {
        return LoraNames::Kohya;
    }
    let keys = parameters(&networks.unet);
    LoraNames::KohyaXl(OriginalNames::from_keys(keys.iter().map(|(key, _)| &key[..])))
}

/// Writes a LoRA, and draws with it.
struct Drawer<'a> {
    recipe: &'a Recipe,
    captions: Vec<String>,
    /// The names of the first file's tensors.
    names: LoraNames,
    /// What the files say of the training, but for the steps.
    metadata: BTreeMap<String, String>,
    /// Precision of the saved weights.
    precision: FloatDType,
    device: &'a Device,
}

impl Product<Adaptation> for Drawer<'_> {
    fn save(&self, model: &Adaptation, folder: &Path, _watch: &mut Watch) -> Result<(), RecipeError> {
        let layers = model.to_layers();
        let write = |name: &str, names: &LoraNames| {
            write_lora(&folder.join(name), &layers, names, self.precision, &self.metadata)
        };
        write(KOHYA, &self.names)?;
        if layers.iter().all(LoraLayer::has_peft_names) {
            write(PEFT, &LoraNames::Peft)?;
        }
        Ok(())
    }

    /// Images of the captions, always with the same seeds.
    fn samples(&self, _model: &Adaptation, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let start = self.recipe.start.as_ref().expect("a recipe that was read has one");
        let mut model = Model::open(start)?;
        model.merge(Lora::open(&folder.join(KOHYA), 1.0)?)?;
        let pipeline = Pipeline::load(model, self.device, DType::F32)?;
        let captions = (0..).zip(&self.captions);
        let requests: Vec<Request> = captions.map(|(seed, caption)| sample(self.recipe, seed, caption)).collect();
        draw(&pipeline, &requests, watch)
    }
}
