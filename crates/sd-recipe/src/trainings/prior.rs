//! Prior preservation: images of a subject's class, which the model drew before the training (Ruiz et al. 2023, DreamBooth).

use std::path::Path;
use std::slice::from_ref;

use burn::tensor::{Device, Tensor};
use sd_clip::Tokenizer;
use sd_model::config::SchedulerConfig;
use sd_pipeline::{DType, Pipeline};
use sd_train::tasks::Diffusion;

use super::diffusion::{sample, task};
use super::latents::latents;
use super::samples::draw_one;
use crate::data::{Identity, count_images};
use crate::event::busy;
use crate::{Dataset, Event, PriorConfig, Recipe, RecipeError, Watch};

const DRAWING: &str = "drawing images of the class";

/// The images of a class.
pub(super) struct Class {
    images: Dataset,
    pub identity: Identity,
    latents: Vec<Tensor<4>>,
    /// How much their loss counts.
    weight: f64,
}

impl Class {
    /// Reads and encodes the images, if the recipe has a class; draws those that are missing.
    pub fn read(recipe: &Recipe, vae: &Path, device: &Device, watch: &mut Watch) -> Result<Option<Self>, RecipeError> {
        let Some((prior, folder)) = recipe.prior.as_ref().zip(recipe.prior_folder()) else { return Ok(None) };
        let images = match recipe.rehearsal_of {
            Some(_) => Dataset::blank_of_class(recipe, prior),
            None => {
                draw_missing(recipe, prior, &folder, device, watch)?;
                Dataset::of_class(recipe, prior, &folder, watch)?
            }
        };
        for (file, reason) in &images.skipped {
            let _ = watch(&Event::Warning(format!("{} is left out: {reason}", file.display())));
        }
        let identity = Identity::new(&images);
        let latents = latents(recipe, "prior-latents", from_ref(&images), &identity.images, vae, device, watch)?;
        Ok(Some(Self { images, identity, latents, weight: prior.weight }))
    }

    /// Adds the loss of the images to that of a task.
    pub fn add_to(
        self,
        diffusion: Diffusion,
        recipe: &Recipe,
        tokenizers: &[Tokenizer],
        scheduler: &SchedulerConfig,
    ) -> Diffusion {
        // Another seed, for noise of its own.
        let class = task(recipe, !recipe.seed, from_ref(&self.images), self.latents, tokenizers, scheduler);
        diffusion.with_prior(class, self.weight)
    }
}

/// Draws images into the folder until it has as many as the recipe says. The image of a name is always the same.
fn draw_missing(
    recipe: &Recipe,
    prior: &PriorConfig,
    folder: &Path,
    device: &Device,
    watch: &mut Watch,
) -> Result<(), RecipeError> {
    std::fs::create_dir_all(folder).map_err(RecipeError::io(folder))?;
    let mut there = count_images(folder)?;
    if there >= prior.images {
        return Ok(());
    }
    busy(watch, DRAWING, there, prior.images)?;
    let start = recipe.start.as_ref().expect("a recipe that was read has one");
    let pipeline = Pipeline::open(start, device, DType::F32)?;
    let size = Some(recipe.data.size);
    for seed in 0.. {
        if there == prior.images {
            break;
        }
        let file = folder.join(format!("{seed:05}.png"));
        if !file.exists() {
            let mut request = sample(recipe, seed, &prior.prompt);
            (request.width, request.height) = (size, size);
            let image = draw_one(&pipeline, &request, (DRAWING, there, prior.images), watch)?;
            image.save(&file)?;
            there += 1;
        }
    }
    Ok(())
}
