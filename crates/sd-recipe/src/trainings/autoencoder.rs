use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, FloatDType};
use sd_model::config::vae_config;
use sd_model::config::write as diffusers;
use sd_pipeline::{Image, images_from_tensor};
use sd_train::tasks::{Autoencoding, AutoencodingConfig};
use sd_vae::{AutoencoderKl, AutoencoderKlConfig};
use sd_weights::save;

use super::begin::begin;
use super::folder::{create, weights, weights_precision, write_json};
use super::latents::{encode, images_at_once, read_config};
use super::start::Start;
use crate::data::Identity;
use crate::event::busy;
use crate::product::Product;
use crate::run::run;
use crate::sheet::rows_above_rows;
use crate::{Dataset, Recipe, RecipeError, Watch};

/// Images from whose latents the scaling factor is measured.
const MEASURED: usize = 1024;

pub(super) fn train(recipe: &Recipe, device: &Device, watch: &mut Watch) -> Result<(), RecipeError> {
    let config = match &recipe.start {
        Some(folder) => read_config(&folder.join("vae"))?,
        None => recipe.table("vae", &recipe.vae).strictly(vae_config)?.0,
    };
    if !recipe.data.size.is_multiple_of(config.factor()) {
        return Err(recipe.wrong(format!(
            "`data.size` is {}, expected a multiple of {}, by which this autoencoder shrinks images",
            recipe.data.size,
            config.factor()
        )));
    }
    // Trained without a scaling factor; the saved model gets the one that its latents need.
    let config = AutoencoderKlConfig { scaling_factor: 1.0, ..config };
    let model = config.init(&device.clone().autodiff());
    recipe.check_training("vae", model.num_params(), 3 * recipe.data.size.pow(2))?;
    let start = Start::open(recipe, |folder| weights(&folder.join("vae")))?;
    let precision = weights_precision(recipe)?;

    let (_lock, images) = begin(recipe, watch)?;
    let model = start.init(model, |weights, model| weights.load(model, FloatDType::F32))?;
    let samples = images.for_samples(recipe, watch)?;
    let product = Codec { precision, measured: images.first(MEASURED), samples, device };
    let settings = &recipe.autoencoder;
    let task = AutoencodingConfig::new(recipe.seed, settings.distance.into(), settings.kl_weight);
    let task = Autoencoding::new(images.tensor(0, images.len(), device), task);
    let data = Identity::new(&images);
    drop(images);
    run(recipe, model, task, &product, data, watch)
}

/// Writes the autoencoder as a part of a model folder.
struct Codec<'a> {
    /// Precision of the saved weights.
    precision: FloatDType,
    measured: Dataset,
    samples: Dataset,
    device: &'a Device,
}

impl Product<AutoencoderKl> for Codec<'_> {
    fn save(&self, model: &AutoencoderKl, folder: &Path, watch: &mut Watch) -> Result<(), RecipeError> {
        let folder = folder.join("vae");
        create(&folder)?;
        // So that latents have about the variance of the noise that is added to them (Rombach et al. 2022, section G).
        let latents = encode(model, &self.measured, self.measured.len(), "measuring the latents", watch)?;
        let std = latents.flatten::<1>(0, 3).var(0).into_scalar::<f64>().sqrt();
        let config = AutoencoderKlConfig { scaling_factor: 1.0 / std, ..model.config().clone() };
        write_json(&folder.join("config.json"), &diffusers::vae_config(&config, self.samples.width))?;
        Ok(save(model, &folder.join("diffusion_pytorch_model.safetensors"), self.precision)?)
    }

    /// Rows of images, each above their reconstructions.
    fn samples(&self, model: &AutoencoderKl, _folder: &Path, watch: &mut Watch) -> Result<Image, RecipeError> {
        let (count, at_once) = (self.samples.len(), images_at_once(self.samples.width));
        let mut reconstructed = Vec::new();
        for first in (0..count).step_by(at_once) {
            busy(watch, "drawing the samples", first, count)?;
            let images = self.samples.tensor(first, at_once.min(count - first), self.device);
            reconstructed.extend(images_from_tensor(model.decode(model.encode(images).mean()))?);
        }
        let images: Vec<Image> = (0..count).map(|i| self.samples.image(i)).collect();
        Ok(rows_above_rows(&images, &reconstructed))
    }
}
