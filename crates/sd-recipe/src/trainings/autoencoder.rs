use std::path::Path;

use burn::tensor::{Device, FloatDType, Tensor};
use sd_pipeline::Image;
use sd_pipeline::config::{Json, vae_config};
use sd_train::tasks::{Autoencoding, AutoencodingConfig};
use sd_train::{diffusers, initialise};
use sd_vae::{AutoencoderKl, AutoencoderKlConfig};
use sd_weights::{Weights, save};

use super::folder::{create, dtype, write_json};
use crate::run::{Product, run};
use crate::sheet::sheet;
use crate::{Pictures, Recipe, RecipeError, Watch};

/// Pictures whose latents tell the scaling factor.
const MEASURED: usize = 1024;

/// Pictures that are encoded together.
const TOGETHER: usize = 32;

pub(super) fn train(
    recipe: &Recipe,
    pictures: Pictures,
    device: &Device,
    watch: &mut Watch,
) -> Result<(), RecipeError> {
    let config = match &recipe.start {
        Some(folder) => Json::read(&folder.join("vae/config.json"))?.loosely(&mut Vec::new(), vae_config)?.0,
        None => recipe.table("vae", &recipe.vae).strictly(vae_config)?.0,
    };
    if !recipe.data.size.is_multiple_of(config.factor()) {
        return Err(recipe.wrong(format!(
            "`data.size` is {}, which is not a multiple of {}, by which this autoencoder makes pictures smaller",
            recipe.data.size,
            config.factor()
        )));
    }
    // Trained as it is; what comes out has the factor that its latents need.
    let config = AutoencoderKlConfig { scaling_factor: 1.0, ..config };
    let model = config.init(&device.clone().autodiff());
    let model = match &recipe.start {
        Some(folder) => {
            Weights::in_folder(&folder.join("vae"), "diffusion_pytorch_model")?.load(model, FloatDType::F32)?
        }
        None => initialise(model, recipe.seed),
    };
    let samples = pictures.to_look_at(recipe);
    let product = Codec { dtype: dtype(recipe)?, measured: pictures.first(MEASURED, device), samples };
    let settings = &recipe.autoencoder;
    let task = AutoencodingConfig::new(recipe.seed, settings.distance.into()).with_kl_weight(settings.kl_weight);
    let task = Autoencoding::new(pictures.tensor(0, pictures.len(), device), task);
    drop(pictures);
    run(recipe, model, task, &product, watch)
}

/// The autoencoder as a part of a model folder.
struct Codec {
    dtype: FloatDType,
    measured: Tensor<4>,
    samples: Pictures,
}

impl Product<AutoencoderKl> for Codec {
    fn save(&self, model: &AutoencoderKl, folder: &Path) -> Result<(), RecipeError> {
        let folder = folder.join("vae");
        create(&folder)?;
        // So that latents have about the variance of the noise they are mixed with (Rombach et al. 2022, section G).
        let latents = encode(model, &self.measured);
        let std = latents.flatten::<1>(0, 3).var(0).into_scalar::<f64>().sqrt();
        let config = AutoencoderKlConfig { scaling_factor: 1.0 / std, ..model.config().clone() };
        write_json(&folder.join("config.json"), &diffusers::vae_config(&config, self.samples.size))?;
        Ok(save(model, &folder.join("diffusion_pytorch_model.safetensors"), self.dtype)?)
    }

    /// Rows of pictures, and what the autoencoder makes of them.
    fn samples(&self, model: &AutoencoderKl, _folder: &Path) -> Result<Image, RecipeError> {
        let pictures = self.samples.first(self.samples.len(), &self.measured.device());
        let again = Image::from_tensor(model.decode(model.encode(pictures).mean()))?;
        let originals = (0..self.samples.len()).map(|i| self.samples.image(i));
        let columns = 8.min(self.samples.len());
        let rows = originals.collect::<Vec<_>>();
        let rows = rows.chunks(columns).zip(again.chunks(columns)).flat_map(|(row, again)| [row, again].concat());
        Ok(sheet(&rows.collect::<Vec<Image>>(), columns))
    }
}

/// The means of the latents of many pictures, some at a time.
fn encode(vae: &AutoencoderKl, pictures: &Tensor<4>) -> Tensor<4> {
    Tensor::cat(pictures.clone().split(TOGETHER, 0).into_iter().map(|some| vae.encode(some).mean()).collect(), 0)
}
