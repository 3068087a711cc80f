use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_model::config::write as diffusers;
use sd_model::config::{Json, unconditional_config};
use sd_pipeline::{DType, Image, Pipeline, Request};
use sd_train::tasks::{Denoising, DenoisingConfig};
use sd_unet::{UnconditionalUnet, UnconditionalUnetConfig};
use sd_weights::save;

use super::begin::begin;
use super::folder::{create, weights, weights_precision, write_json, write_scheduler};
use super::objective::{Goal, goal, scheduler};
use super::samples::draw;
use super::start::Start;
use crate::data::Identity;
use crate::product::Product;
use crate::run::run;
use crate::{Recipe, RecipeError, Watch};

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let (config, _) = match &recipe.start {
        Some(folder) => Json::read(&folder.join("unet/config.json"))?.loosely(&mut Vec::new(), unconditional_config)?,
        None => recipe.unet_table(3).strictly(unconditional_config)?,
    };
    let scheduler = scheduler(recipe)?;
    recipe.check_inputs(config.self_conditioning)?;
    recipe.check_outputs(config.out_channels, config.image_channels(), &scheduler)?;
    if !recipe.data.size.is_multiple_of(config.factor()) {
        let (size, factor) = (recipe.data.size, config.factor());
        return Err(recipe.wrong(format!(
            "`data.size` is {size}, expected a multiple of {factor}, by which this U-Net shrinks images"
        )));
    }
    let unet = config.init(&device.clone().autodiff());
    recipe.check_training("unet", unet.num_params(), config.in_channels * recipe.data.size.pow(2))?;
    let start = Start::open(recipe, |folder| weights(&folder.join("unet")))?;
    let drawer = Drawer { recipe, config, precision: weights_precision(recipe)?, device };
    recipe.check_samples(&drawer.request(0)?, &scheduler)?;

    let (_lock, images) = begin(recipe, watch)?;
    let settings = DenoisingConfig::new(recipe.seed).with_noise_offset(recipe.diffusion.noise_offset);
    let (pixels, data) = (images.tensor(0, images.len(), device), Identity::new(&images));
    drop(images);
    let task = match goal(recipe, &scheduler) {
        Goal::Timesteps(objective, timesteps) => Denoising::new(pixels, objective, timesteps, settings),
        Goal::Edm(objective) => Denoising::edm(pixels, objective, settings),
    };
    let task = if recipe.diffusion.learned_variance { task.with_learned_variance() } else { task };
    let task = if recipe.diffusion.self_conditioning { task.with_self_conditioning() } else { task };
    let unet = start.init(unet, |weights, unet| weights.load(unet, FloatDType::F32))?;
    run(recipe, unet, task, &drawer, data, watch)
}

/// Writes a model folder without a text, and draws with it.
struct Drawer<'a> {
    recipe: &'a Recipe,
    config: UnconditionalUnetConfig,
    /// Precision of the saved weights.
    precision: FloatDType,
    device: &'a Device,
}

impl Drawer<'_> {
    /// Draws by DDIM, because the sampler of the scheduler's class may need hundreds of steps.
    fn request(&self, seed: u64) -> Result<Request, RecipeError> {
        let steps = Some(self.recipe.samples.steps);
        Ok(Request { sampler: Some("ddim".parse()?), steps, seed, ..Request::default() })
    }
}

impl Product<UnconditionalUnet> for Drawer<'_> {
    fn save(&self, model: &UnconditionalUnet, folder: &Path, _watch: &mut Watch) -> Result<(), RecipeError> {
        let unet = folder.join("unet");
        create(&unet)?;
        let scheduler = write_scheduler(self.recipe, folder, "DDPMScheduler")?;
        let config = diffusers::unconditional_unet_config(&self.config, self.recipe.data.size);
        write_json(&unet.join("config.json"), &config)?;
        save(model, &unet.join("diffusion_pytorch_model.safetensors"), self.precision)?;
        write_json(&folder.join("model_index.json"), &diffusers::ddpm_model_index(&scheduler))
    }

    /// Images of the first seeds.
    fn samples(&self, _model: &UnconditionalUnet, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let pipeline = Pipeline::open(folder, self.device, DType::F32)?;
        let requests: Result<Vec<Request>, RecipeError> =
            (0..self.recipe.samples.count as u64).map(|seed| self.request(seed)).collect();
        draw(&pipeline, &requests?, watch)
    }
}
