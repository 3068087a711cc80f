use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use burn::module::Module;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use sd_pipeline::config::{Json, vae_config};
use sd_pipeline::{read_tensor, write_tensor};
use sd_vae::{AutoencoderKl, AutoencoderKlConfig};
use sd_weights::Weights;

use crate::{Pictures, Recipe, RecipeError};

/// Pictures that are encoded together.
const TOGETHER: usize = 32;

/// The autoencoder that makes the latents.
pub(super) struct Codec {
    pub folder: PathBuf,
    pub config: AutoencoderKlConfig,
    vae: AutoencoderKl,
}

impl Codec {
    /// Loads the autoencoder that a recipe names.
    pub fn open(recipe: &Recipe, device: &Device) -> Result<Self, RecipeError> {
        let folder = recipe.start.as_ref().or(recipe.diffusion.autoencoder.as_ref());
        let folder = folder.expect("a recipe that was read names one").join("vae");
        let (config, _) = Json::read(&folder.join("config.json"))?.loosely(&mut Vec::new(), vae_config)?;
        let vae = Weights::in_folder(&folder, "diffusion_pytorch_model")?.load(config.init(device), FloatDType::F32)?;
        Ok(Self { folder, config, vae })
    }
}

/// The means of the pictures' latents, `[pictures, channels, height, width]`; they are kept in the output folder.
pub(super) fn latents(recipe: &Recipe, pictures: &Pictures, codec: &Codec) -> Result<Tensor<4>, RecipeError> {
    let device = codec.vae.devices().remove(0);
    let size = pictures.size / codec.config.factor();
    let shape = [pictures.len(), codec.config.latent_channels, size, size];
    let file = recipe.output.join(format!("latents-{:016x}.safetensors", fingerprint(pictures, codec)?));
    if let Ok((numbers, found)) = read_tensor(&file, "latents")
        && found == shape
    {
        return Ok(Tensor::from_data(TensorData::new(numbers, shape), &device));
    }
    let mut parts = Vec::new();
    for first in (0..pictures.len()).step_by(TOGETHER) {
        let count = TOGETHER.min(pictures.len() - first);
        parts.push(codec.vae.encode(pictures.tensor(first, count, &device)).mean());
    }
    let latents = Tensor::cat(parts, 0);
    let numbers: Vec<f32> = latents.to_data().iter().collect();
    std::fs::create_dir_all(&recipe.output).map_err(RecipeError::io(&recipe.output))?;
    write_tensor(&file, "latents", &numbers, &shape)?;
    Ok(latents)
}

/// A number that tells other pictures and other autoencoders apart.
fn fingerprint(pictures: &Pictures, codec: &Codec) -> Result<u64, RecipeError> {
    let mut hasher = DefaultHasher::new();
    pictures.rgb.hash(&mut hasher);
    for name in ["config.json", "diffusion_pytorch_model.safetensors"] {
        let file = codec.folder.join(name);
        std::fs::read(&file).map_err(RecipeError::io(&file))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}
