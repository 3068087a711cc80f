use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_model::config::vae_config;
use sd_model::config::write as diffusers;
use sd_pipeline::Image;
use sd_train::initialise;
use sd_train::tasks::{Autoencoding, AutoencodingConfig};
use sd_vae::{AutoencoderKl, AutoencoderKlConfig};
use sd_weights::save;

use super::begin;
use super::folder::{create, dtype, weights, write_json};
use super::latents::{encode, read_config, together};
use crate::event::busy;
use crate::run::{Product, run};
use crate::sheet::sheet;
use crate::{Dataset, Recipe, RecipeError, Watch};

/// Dataset whose latents tell the scaling factor.
const MEASURED: usize = 1024;

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let config = match &recipe.start {
        Some(folder) => read_config(&folder.join("vae"))?,
        None => recipe.table("vae", &recipe.vae).strictly(vae_config)?.0,
    };
    if !recipe.data.size.is_multiple_of(config.factor()) {
        return Err(recipe.wrong(format!(
            "`data.size` is {}, which is not a multiple of {}, by which this autoencoder makes images smaller",
            recipe.data.size,
            config.factor()
        )));
    }
    // Trained as it is; what comes out has the factor that its latents need.
    let config = AutoencoderKlConfig { scaling_factor: 1.0, ..config };
    let model = config.init(&device.clone().autodiff());
    recipe.check_training("vae", model.num_params(), 3 * recipe.data.size.pow(2))?;
    let start = recipe.start.as_ref().map(|folder| weights(&folder.join("vae"))).transpose()?;
    let dtype = dtype(recipe)?;

    let (_lock, images) = begin(recipe, watch)?;
    let model = match start {
        Some(weights) => weights.load(model, FloatDType::F32)?,
        None => initialise(model, recipe.seed),
    };
    let samples = images.to_look_at(recipe, watch)?;
    let product = Codec { dtype, measured: images.first(MEASURED), samples, device };
    let settings = &recipe.autoencoder;
    let task = AutoencodingConfig::new(recipe.seed, settings.distance.into()).with_kl_weight(settings.kl_weight);
    let task = Autoencoding::new(images.tensor(0, images.len(), device), task);
    let data = images.identity();
    drop(images);
    run(recipe, model, task, &product, data, watch)
}

/// The autoencoder as a part of a model folder.
struct Codec<'a> {
    dtype: FloatDType,
    measured: Dataset,
    samples: Dataset,
    device: &'a Device,
}

impl Product<AutoencoderKl> for Codec<'_> {
    fn save(&self, model: &AutoencoderKl, folder: &Path, watch: &mut Watch) -> Result<(), RecipeError> {
        let folder = folder.join("vae");
        create(&folder)?;
        // So that latents have about the variance of the noise they are mixed with (Rombach et al. 2022, section G).
        let latents = encode(model, &self.measured, self.measured.len(), "measuring the latents", watch)?;
        let std = latents.flatten::<1>(0, 3).var(0).into_scalar::<f64>().sqrt();
        let config = AutoencoderKlConfig { scaling_factor: 1.0 / std, ..model.config().clone() };
        write_json(&folder.join("config.json"), &diffusers::vae_config(&config, self.samples.size))?;
        Ok(save(model, &folder.join("diffusion_pytorch_model.safetensors"), self.dtype)?)
    }

    /// Rows of images, and what the autoencoder makes of them.
    fn samples(&self, model: &AutoencoderKl, _folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let (count, together) = (self.samples.len(), together(self.samples.size));
        let mut again = Vec::new();
        for first in (0..count).step_by(together) {
            busy(watch, "drawing the samples", first, count)?;
            let images = self.samples.tensor(first, together.min(count - first), self.device);
            again.extend(Image::from_tensor(model.decode(model.encode(images).mean()))?);
        }
        let columns = 8.min(count);
        let rows: Vec<Image> = (0..count).map(|i| self.samples.image(i)).collect();
        let rows = rows.chunks(columns).zip(again.chunks(columns)).flat_map(|(row, again)| [row, again].concat());
        Ok(sheet(&rows.collect::<Vec<Image>>(), columns))
    }
}
