use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_model::config::write as diffusers;
use sd_model::config::{Json, SchedulerConfig, unconditional_config};
use sd_pipeline::{DType, Image, Pipeline, Request};
use sd_train::initialise;
use sd_train::tasks::{Denoising, DenoisingConfig};
use sd_unet::{UnconditionalUnet, UnconditionalUnetConfig};
use sd_weights::save;

use super::begin;
use super::folder::{create, dtype, weights, write_json, write_scheduler};
use super::objective::{objective, timesteps};
use super::samples::draw;
use crate::run::{Product, run};
use crate::{Recipe, RecipeError, Watch};

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let ((config, _), scheduler) = match &recipe.start {
        Some(folder) => {
            let (notes, file) = (&mut Vec::new(), folder.join("scheduler/scheduler_config.json"));
            let unet = Json::read(&folder.join("unet/config.json"))?.loosely(notes, unconditional_config)?;
            (unet, Json::read(&file)?.loosely(notes, SchedulerConfig::of)?)
        }
        None => (
            recipe.table("unet", &recipe.unet).strictly(unconditional_config)?,
            recipe.table("scheduler", &recipe.scheduler).strictly(SchedulerConfig::of)?,
        ),
    };
    if !recipe.data.size.is_multiple_of(config.factor()) {
        let (size, factor) = (recipe.data.size, config.factor());
        return Err(recipe.wrong(format!(
            "`data.size` is {size}, which is not a multiple of {factor}, by which this U-Net makes images smaller"
        )));
    }
    let unet = config.init(&device.clone().autodiff());
    recipe.check_training("unet", unet.num_params(), config.in_channels * recipe.data.size.pow(2))?;
    let start = recipe.start.as_ref().map(|folder| weights(&folder.join("unet"))).transpose()?;
    let drawer = Drawer { recipe, config, dtype: dtype(recipe)?, device };
    recipe.check_samples(&drawer.request(0)?, &scheduler)?;

    let (_lock, images) = begin(recipe, watch)?;
    let settings = DenoisingConfig::new(recipe.seed).with_noise_offset(recipe.diffusion.noise_offset);
    let (pixels, data) = (images.tensor(0, images.len(), device), images.identity());
    drop(images);
    let task = Denoising::new(pixels, objective(recipe, &scheduler), timesteps(recipe, &scheduler), settings);
    let unet = match start {
        Some(weights) => weights.load(unet, FloatDType::F32)?,
        None => initialise(unet, recipe.seed),
    };
    run(recipe, unet, task, &drawer, data, watch)
}

/// A model folder that draws without a text.
struct Drawer<'a> {
    recipe: &'a Recipe,
    config: UnconditionalUnetConfig,
    dtype: FloatDType,
    device: &'a Device,
}

impl Drawer<'_> {
    /// By DDIM, whatever the scheduler's class, which may need hundreds of steps.
    fn request(&self, seed: u64) -> Result<Request, RecipeError> {
        let steps = Some(self.recipe.samples.steps);
        Ok(Request { sampler: Some("ddim".parse()?), steps, seed, ..Request::default() })
    }
}

impl Product<UnconditionalUnet> for Drawer<'_> {
    fn save(&self, model: &UnconditionalUnet, folder: &Path, _watch: &mut Watch) -> Result<(), RecipeError> {
        let unet = folder.join("unet");
        create(&unet)?;
        write_scheduler(self.recipe, folder, "DDPMScheduler")?;
        let config = diffusers::unconditional_unet_config(&self.config, self.recipe.data.size);
        write_json(&unet.join("config.json"), &config)?;
        save(model, &unet.join("diffusion_pytorch_model.safetensors"), self.dtype)?;
        write_json(&folder.join("model_index.json"), &diffusers::ddpm_model_index())
    }

    /// Dataset of the first seeds.
    fn samples(&self, _model: &UnconditionalUnet, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let pipeline = Pipeline::open(folder, self.device, DType::F32)?;
        let requests: Result<Vec<Request>, RecipeError> =
            (0..self.recipe.samples.count as u64).map(|seed| self.request(seed)).collect();
        draw(&pipeline, &requests?, watch)
    }
}
