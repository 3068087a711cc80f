use std::path::Path;
use std::slice::from_ref;

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_clip::Tokenizer;
use sd_model::config::write as diffusers;
use sd_pipeline::{ControlFile, ControlImage, DType, Image, Model, Pipeline, Request};
use sd_train::initialise;
use sd_train::tasks::{Controlling, Hints};
use sd_unet::{ControlNet, ControlNetConfig, Unet};
use sd_weights::save;

use super::begin::begin;
use super::diffusion::{diffusion, sample};
use super::encoded_captions::with_encoded_captions;
use super::folder::{weights, weights_precision, write_json};
use super::latents::{latents, read_config};
use super::networks::Networks;
use super::samples::images;
use crate::data::Identity;
use crate::product::Product;
use crate::run::run;
use crate::sheet::rows_above_rows;
use crate::{ControlConfig, Dataset, Recipe, RecipeError, Watch};

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let (start, control) = recipe.start.as_ref().zip(recipe.control.as_ref()).expect("a recipe that was read has both");
    let vae = start.join("vae");
    let codec = read_config(&vae)?;
    weights(&vae)?;
    let networks = Networks::from_recipe(recipe)?;
    networks.check(recipe, &codec)?;
    let config = config(recipe, control, &networks, codec.factor())?;
    let latent_values = codec.latent_channels * (recipe.data.size / codec.factor()).pow(2);
    let autodiff = device.clone().autodiff();
    let count = config.init(&autodiff).num_params();
    recipe.check_training("control", count, latent_values + 3 * recipe.data.size.pow(2))?;
    recipe.check_samples(&sample(recipe, 0, ""), &networks.scheduler)?;
    let precision = weights_precision(recipe)?;
    let tokenizer = Tokenizer::from_folder(&start.join("tokenizer"))?;

    let (_lock, images) = begin(recipe, watch)?;
    let data = Identity::new(&images);
    let latents = latents(recipe, "latents", from_ref(&images), &data.images, &vae, device, watch)?;
    let diffusion = diffusion(recipe, from_ref(&images), latents, &[tokenizer], &networks.scheduler);
    let samples = images.for_samples(recipe, watch)?;
    let Dataset { width, height, conditions, .. } = images;
    let hints = Hints { rgb: conditions, width, height };
    let width = networks.text.hidden_size;
    // Without autodiff, so that none of their gradients are computed.
    let networks = networks.init(recipe, device)?;
    let diffusion = with_encoded_captions(diffusion, &networks, width, watch)?;
    let model = first_weights(recipe, &networks.unet, &config, &autodiff);
    let task = Controlling::new(diffusion, networks, hints);
    run(recipe, model, task, &Drawer { recipe, config, samples, precision, device }, data, watch)
}

/// The shape of the ControlNet, which diffusers' config can describe.
fn config(
    recipe: &Recipe,
    control: &ControlConfig,
    networks: &Networks,
    factor: usize,
) -> Result<ControlNetConfig, RecipeError> {
    let hint_widths = control.hint_widths(factor).map_err(|reason| recipe.wrong(reason))?;
    let config = ControlNetConfig::new(networks.unet.clone()).with_hint_widths(hint_widths);
    diffusers::controlnet_config(&config).map_err(|reason| {
        recipe.wrong(format!("this U-Net cannot have a ControlNet in the diffusers layout: {reason}"))
    })?;
    Ok(config)
}

/// The U-Net's weights, zeros where the ControlNet meets it, and random weights in what reads the condition.
fn first_weights(recipe: &Recipe, unet: &Unet, config: &ControlNetConfig, device: &Device) -> ControlNet {
    initialise(config.init(device), recipe.seed).with_encoder_of(unet)
}

/// Writes a ControlNet as diffusers does, and draws with it.
struct Drawer<'a> {
    recipe: &'a Recipe,
    config: ControlNetConfig,
    /// The conditions and captions that are drawn.
    samples: Dataset,
    /// Precision of the saved weights.
    precision: FloatDType,
    device: &'a Device,
}

impl Product<ControlNet> for Drawer<'_> {
    fn save(&self, model: &ControlNet, folder: &Path, _watch: &mut Watch) -> Result<(), RecipeError> {
        let config = diffusers::controlnet_config(&self.config).map_err(|reason| self.recipe.wrong(reason))?;
        write_json(&folder.join("config.json"), &config)?;
        Ok(save(model, &folder.join("diffusion_pytorch_model.safetensors"), self.precision)?)
    }

    /// Rows of conditions, each above what the model draws for them, always with the same seeds.
    fn samples(&self, _model: &ControlNet, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let start = self.recipe.start.as_ref().expect("a recipe that was read has one");
        let mut model = Model::open(start)?;
        let network = model.add_control(ControlFile::open(folder)?)?;
        let pipeline = Pipeline::load(model, self.device, DType::F32)?;
        let conditions: Vec<Image> = (0..self.samples.len()).map(|index| self.samples.condition(index)).collect();
        let steered = |((seed, caption), image): ((u64, &String), &Image)| Request {
            controls: vec![ControlImage::new(network, image.clone())],
            ..sample(self.recipe, seed, caption)
        };
        let requests: Vec<Request> = (0..).zip(&self.samples.captions).zip(&conditions).map(steered).collect();
        Ok(rows_above_rows(&conditions, &images(&pipeline, &requests, watch)?))
    }
}
