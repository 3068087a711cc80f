use std::path::Path;

use burn::tensor::{Device, FloatDType};
use sd_pipeline::config::{Json, SchedulerConfig, unconditional_config};
use sd_pipeline::{DType, Image, Pipeline, Request};
use sd_train::tasks::{Denoising, DenoisingConfig};
use sd_train::{diffusers, initialise};
use sd_unet::{UnconditionalUnet, UnconditionalUnetConfig};
use sd_weights::{Weights, save};

use super::folder::{begin_scheduler, copy, create, dtype, write_json};
use super::objective::{objective, timesteps};
use crate::run::{Product, run};
use crate::sheet::sheet;
use crate::{Pictures, Recipe, RecipeError, Watch};

pub(super) fn train(
    recipe: &Recipe,
    pictures: Pictures,
    device: &Device,
    watch: &mut Watch,
) -> Result<(), RecipeError> {
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
            "`data.size` is {size}, which is not a multiple of {factor}, by which this U-Net makes pictures smaller"
        )));
    }
    let model = recipe.output.join("model");
    create(&model)?;
    match &recipe.start {
        Some(start) => copy(&start.join("scheduler"), &model.join("scheduler"))?,
        None => begin_scheduler(recipe, &model, "DDPMScheduler")?,
    }
    write_json(&model.join("model_index.json"), &diffusers::ddpm_model_index())?;

    let settings = DenoisingConfig::new(recipe.seed).with_noise_offset(recipe.diffusion.noise_offset);
    let pixels = pictures.tensor(0, pictures.len(), device);
    let task = Denoising::new(pixels, objective(recipe, &scheduler), timesteps(recipe, &scheduler), settings);
    let unet = config.init(&device.clone().autodiff());
    let unet = match &recipe.start {
        Some(folder) => {
            Weights::in_folder(&folder.join("unet"), "diffusion_pytorch_model")?.load(unet, FloatDType::F32)?
        }
        None => initialise(unet, recipe.seed),
    };
    run(recipe, unet, task, &Drawer { recipe, config, device }, watch)
}

/// A model folder that draws without a text.
struct Drawer<'a> {
    recipe: &'a Recipe,
    config: UnconditionalUnetConfig,
    device: &'a Device,
}

impl Product<UnconditionalUnet> for Drawer<'_> {
    fn save(&self, model: &UnconditionalUnet, folder: &Path) -> Result<(), RecipeError> {
        let unet = folder.join("unet");
        create(&unet)?;
        let config = diffusers::unconditional_unet_config(&self.config, self.recipe.data.size);
        write_json(&unet.join("config.json"), &config)?;
        Ok(save(model, &unet.join("diffusion_pytorch_model.safetensors"), dtype(self.recipe)?)?)
    }

    /// Pictures of the first seeds, by DDIM.
    fn samples(&self, _model: &UnconditionalUnet, folder: &Path) -> Result<Image, RecipeError> {
        let pipeline = Pipeline::from_folder(folder, self.device, DType::F32)?;
        let settings = &self.recipe.samples;
        let draw = |seed: usize| {
            let request = Request {
                sampler: Some("ddim".parse()?),
                steps: Some(settings.steps),
                seed: seed as u64,
                ..Request::default()
            };
            Ok(pipeline.draw(&request)?.image)
        };
        let pictures: Result<Vec<Image>, RecipeError> = (0..settings.count).map(draw).collect();
        Ok(sheet(&pictures?, 8))
    }
}
