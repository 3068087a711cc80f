use std::fs;
use std::path::Path;
use std::slice::from_ref;

use burn::module::Module;
use burn::tensor::Device;
use sd_model::config::write as diffusers;
use sd_model::config::{Json, SchedulerConfig};
use sd_pipeline::Image;
use sd_train::Consistency;
use sd_train::tasks::{Distillation, DistillationConfig, TextToLatents};
use serde_json::{Map, Value};

use super::begin::begin;
use super::diffusion::sample;
use super::folder::{copy, weights, weights_precision, write_json};
use super::kept::keep;
use super::latents::{latents, read_config};
use super::networks::Networks;
use super::objective::objective;
use super::text_to_image::Drawer;
use super::tokenizer::tokenizer;
use crate::data::Identity;
use crate::product::Product;
use crate::run::run;
use crate::{Recipe, RecipeError, Watch};

/// Width of the embedding of the guidance scale, as in the published models (Luo et al. 2023).
const GUIDANCE_WIDTH: usize = 256;
/// The scheduler's config in a model folder.
const SCHEDULER: &str = "scheduler/scheduler_config.json";

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let start = recipe.start.as_ref().expect("a recipe that was read has one");
    let vae = start.join("vae");
    let codec = read_config(&vae)?;
    weights(&vae)?;
    let networks = Networks::from_recipe(recipe)?;
    networks.check(recipe, &codec)?;
    let schedule = networks.scheduler.schedule().cloned().ok_or_else(|| {
        recipe.wrong(
            "the noise process of the teacher (EDM) has no timesteps, between which a student is distilled".into(),
        )
    })?;
    recipe.check_phases(schedule.len()).map_err(|reason| recipe.wrong(reason))?;
    let autodiff = device.clone().autodiff();
    let size = recipe.data.size / codec.factor();
    recipe.check_training("unet", networks.count_weights(&autodiff), codec.latent_channels * size * size)?;
    let scheduler = scheduler(recipe, start, schedule.len())?;
    let follows = Json::new(&start.join(SCHEDULER), scheduler.clone());
    recipe.check_samples(&sample(recipe, 0, ""), &follows.loosely(&mut Vec::new(), SchedulerConfig::from_json)?)?;
    let precision = weights_precision(recipe)?;

    let (_lock, images) = begin(recipe, watch)?;
    let vae = keep(recipe, "vae", |folder| copy(&vae, folder))?;
    let tokenizer = tokenizer(recipe, &images.captions)?;
    let data = Identity::new(&images);
    let latents = latents(recipe, "latents", from_ref(&images), &data.images, &vae, device, watch)?.remove(0);
    let captions = images.captions.iter().map(|caption| tokenizer.encode(caption).ids).collect();
    let settings = recipe.distillation.clone().unwrap_or_default();
    let consistency = Consistency::new(&schedule, settings.consistency());
    let objective = objective(recipe, &schedule, networks.scheduler.prediction());
    // Without autodiff, so that none of its gradients are computed.
    let teacher = networks.init(recipe, device)?;
    let config = DistillationConfig::new(recipe.seed, settings.guidance);
    let texts = (captions, tokenizer.encode("").ids);
    let task = Distillation::new(latents, texts, (objective, consistency), teacher, config);
    let (networks, model) = student(recipe, networks, &autodiff)?;
    let captions = images.for_samples(recipe, watch)?.captions;
    drop(images);
    let drawer = Drawer { size, vae, captions, recipe, networks, precision, device };
    run(recipe, model, task, &Student { drawer, scheduler }, data, watch)
}

/// The teacher's networks, of which the U-Net also reads the guidance scale and alone is trained.
fn student(recipe: &Recipe, mut networks: Networks, device: &Device) -> Result<(Networks, TextToLatents), RecipeError> {
    let TextToLatents { text, unet, .. } = networks.init(recipe, device)?;
    let unet = unet.with_guidance_embedding(GUIDANCE_WIDTH, device);
    networks.unet = unet.config().clone();
    Ok((networks, TextToLatents::new(text.freeze(), unet)))
}

/// The config of the teacher's scheduler, for the student: its class draws in jumps over the phases.
fn scheduler(recipe: &Recipe, start: &Path, timesteps: usize) -> Result<Map<String, Value>, RecipeError> {
    let file = start.join(SCHEDULER);
    let text = fs::read(&file).map_err(RecipeError::io(&file))?;
    let mut scheduler: Map<String, Value> =
        serde_json::from_slice(&text).map_err(|error| recipe.wrong(format!("{}: {error}", file.display())))?;
    let settings = recipe.distillation.clone().unwrap_or_default();
    let class = if settings.phases == 1 { "LCMScheduler" } else { "DDIMScheduler" };
    scheduler.insert("_class_name".into(), class.into());
    scheduler.insert("timestep_spacing".into(), "trailing".into());
    scheduler.insert("original_inference_steps".into(), (timesteps / settings.skip).into());
    Ok(scheduler)
}

/// Writes the model as any with a text, but with its own scheduler.
struct Student<'a> {
    drawer: Drawer<'a>,
    scheduler: Map<String, Value>,
}

impl Product<TextToLatents> for Student<'_> {
    fn save(&self, model: &TextToLatents, folder: &Path, watch: &mut Watch) -> Result<(), RecipeError> {
        self.drawer.save(model, folder, watch)?;
        write_json(&folder.join(SCHEDULER), &self.scheduler.clone().into())?;
        let class = self.scheduler["_class_name"].as_str().expect("it was written as a text");
        write_json(&folder.join("model_index.json"), &diffusers::model_index(class))
    }

    fn samples(&self, model: &TextToLatents, folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        self.drawer.samples(model, folder, watch)
    }
}
