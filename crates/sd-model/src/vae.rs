use std::path::Path;
use std::sync::Arc;

use burn::tensor::{Device, FloatDType};
use sd_ops::lay_out;
use sd_unet::UnetConfig;
use sd_vae::{Autoencoder, AutoencoderKlConfig, AutoencoderTinyConfig};
use sd_weights::single_file::{Family, autoencoder};
use sd_weights::{Weights, is_folder};

use crate::config::{Json, inferred, tiny_config, vae_config};
use crate::folder::Folder;
use crate::placed::{Placement, placed};
use crate::precision::precision;
use crate::{DType, Field, ModelError};

/// The autoencoder of a model: its configuration and its weights, not yet loaded.
#[derive(Debug)]
pub(crate) struct VaePart {
    pub config: VaeConfig,
    /// The configuration in the format of `config.json`.
    pub json: Json,
    pub weights: Weights,
    pub overflows_in_half: bool,
}

/// The configuration of either kind of autoencoder.
#[derive(Debug)]
pub(crate) enum VaeConfig {
    Kl(AutoencoderKlConfig),
    Tiny(AutoencoderTinyConfig),
}

impl VaePart {
    /// Opens another autoencoder for the latents of a model's U-Net, from a folder or a file.
    pub fn chosen(path: &Path, unet: &UnetConfig, notes: &mut Vec<String>) -> Result<Self, ModelError> {
        let family = if unet.addition.is_some() { Family::Xl } else { Family::Sd1 };
        let folder = Folder::at(path);
        let vae = match is_folder(path).map_err(ModelError::io(path))? {
            true if folder.has_folder("vae")? => Self::in_folder(&folder.join("vae"), notes)?,
            true => Self::in_folder(&folder, notes)?,
            false => Self::from_weights(autoencoder(Weights::in_file(path)?)?, family)?,
        };
        let (channels, wanted) = (vae.config.latent_channels(), unet.out_channels);
        // Twice as many with a learned variance.
        if ![channels, 2 * channels].contains(&wanted) {
            let path = path.display();
            let reason = format!("{path}: its latents have {channels} channels, but the model's have {wanted}");
            return Err(ModelError::request(Field::Vae, reason));
        }
        Ok(vae)
    }

    /// Opens a folder with a `config.json` and weights.
    pub fn in_folder(folder: &Folder, notes: &mut Vec<String>) -> Result<Self, ModelError> {
        Self::new(folder.json("config.json")?, folder.weights("diffusion_pytorch_model")?, notes)
    }

    /// Infers the configuration from weights with the names of the diffusers layout.
    pub fn from_weights(weights: Weights, family: Family) -> Result<Self, ModelError> {
        let has_prefix = |start: &str| weights.keys().any(|key| key.starts_with(start));
        // An inferred config has no unknown keys, so there are no notes.
        let notes = &mut Vec::new();
        if !has_prefix("decoder.layers.") {
            return Self::new(inferred::vae(&weights, family)?, weights, notes);
        }
        let encodes = has_prefix("encoder.layers.");
        let mut vae = Self::new(inferred::tiny_vae(&weights)?, weights, notes)?;
        if let (VaeConfig::Tiny(config), false) = (&mut vae.config, encodes) {
            *config = config.without_encoder();
        }
        Ok(vae)
    }

    fn new(json: Json, weights: Weights, notes: &mut Vec<String>) -> Result<Self, ModelError> {
        let read = |json: &mut Json| match json.get("_class_name").and_then(|name| name.as_str()) {
            Some("AutoencoderTiny") => Ok((VaeConfig::Tiny(tiny_config(json)?), false)),
            _ => vae_config(json).map(|(config, overflows)| (VaeConfig::Kl(config), overflows)),
        };
        let (config, overflows_in_half) = json.clone().loosely(notes, read)?;
        Ok(Self { config, json, weights, overflows_in_half })
    }

    /// Reads the weights onto `device`.
    pub fn load(
        &self,
        device: &Device,
        dtype: DType,
        placement: Placement,
    ) -> Result<Arc<dyn Autoencoder>, ModelError> {
        let dtype = match dtype {
            DType::F16 if self.overflows_in_half => FloatDType::F32.into(),
            DType::BF16 if sd_ops::convolves_in_bf16(device) => precision(dtype, device),
            // Such devices compute its convolutions in single precision, and its weights are few.
            _ if sd_ops::takes_half_weights(device) => FloatDType::F32.into(),
            other => other.float().into(),
        };
        let weights = placed(&self.weights, Placement { int8: false, ..placement });
        Ok(match &self.config {
            VaeConfig::Kl(config) => Arc::new(lay_out(weights.load(config.init(device), dtype)?)),
            VaeConfig::Tiny(config) => Arc::new(lay_out(self.weights.load(config.init(device), dtype)?)),
        })
    }
}

impl VaeConfig {
    /// Width and height of a latent in pixels.
    pub fn factor(&self) -> usize {
        match self {
            Self::Kl(config) => config.factor(),
            Self::Tiny(config) => config.factor(),
        }
    }

    /// Channels of the latents.
    pub fn latent_channels(&self) -> usize {
        match self {
            Self::Kl(config) => config.latent_channels,
            Self::Tiny(config) => config.latent_channels,
        }
    }

    /// Whether there is an encoder.
    pub fn encodes(&self) -> bool {
        match self {
            Self::Kl(_) => true,
            Self::Tiny(config) => config.has_encoder(),
        }
    }

    /// Channels of the tensors of the latents' size.
    pub fn coarsest_channels(&self) -> usize {
        match self {
            Self::Kl(config) => config.block_out_channels.last().copied().unwrap_or(0),
            Self::Tiny(config) => config.decoder_block_out_channels.first().copied().unwrap_or(0),
        }
    }

    /// Channels of the widest tensors at an image's full size.
    pub fn full_size_channels(&self) -> usize {
        match self {
            // Those of the second finest level, which are upsampled before their number is reduced.
            Self::Kl(config) => *config.block_out_channels.get(1).unwrap_or(&config.block_out_channels[0]),
            Self::Tiny(config) => config.decoder_block_out_channels.last().copied().unwrap_or(0),
        }
    }
}
