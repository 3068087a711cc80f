use std::path::Path;

use burn::tensor::{DType as TensorType, Device, FloatDType, Tensor};
use sd_ops::lay_out;
use sd_vae::{AutoencoderKl, AutoencoderKlConfig, AutoencoderTiny, AutoencoderTinyConfig};
use sd_weights::single_file::{Family, autoencoder};
use sd_weights::{Weights, is_file};

use crate::config::{Json, inferred, tiny_config, vae_config};
use crate::folder::Folder;
use crate::model::Kind;
use crate::{DType, Error, Model};

/// The autoencoder of a model: its configuration, and where its weights are.
#[derive(Debug)]
pub(crate) struct VaePart {
    pub config: VaeConfig,
    pub weights: Weights,
    pub overflows_in_half: bool,
}

/// Which of the two kinds it is of.
#[derive(Debug)]
pub(crate) enum VaeConfig {
    Kl(AutoencoderKlConfig),
    Tiny(AutoencoderTinyConfig),
}

/// An autoencoder, loaded.
#[derive(Debug)]
pub(crate) enum Vae {
    Kl(Box<AutoencoderKl>),
    Tiny(Box<AutoencoderTiny>),
}

impl Model {
    /// Takes another autoencoder than the model's own: a folder with its `config.json`, that of a whole model, or a file
    /// with the names of the original program or of diffusers.
    ///
    /// # Errors
    ///
    /// [`Error`] where it cannot be read, or its latents are not the U-Net's; then nothing is changed.
    pub fn replace_vae(&mut self, path: &Path) -> Result<(), Error> {
        let is_xl = self.is_xl();
        let Kind::Text(parts) = &mut self.kind else {
            return Err(Error::Request(format!("--vae {}: this model draws in pixels", path.display())));
        };
        let vae = VaePart::open(path, if is_xl { Family::Xl } else { Family::Sd1 }, &mut self.notes)?;
        let of = |vae: &VaePart| (vae.config.latent_channels(), vae.config.factor());
        if of(&vae) != of(&parts.vae) {
            let ((channels, factor), (wanted, size)) = (of(&vae), of(&parts.vae));
            return Err(Error::Request(format!(
                "--vae {}: its latents have {channels} channels and are {factor} pixels wide, but the model's have {wanted} \
                 and are {size}",
                path.display()
            )));
        }
        parts.vae = vae;
        Ok(())
    }
}

impl VaePart {
    /// Opens a folder or a file.
    fn open(path: &Path, family: Family, notes: &mut Vec<String>) -> Result<Self, Error> {
        if is_file(path).map_err(Error::io(path))? {
            let weights = autoencoder(Weights::in_file(path)?)?;
            let (config, overflows_in_half) = vae_config(&mut inferred::vae(&weights, family)?)?;
            return Ok(Self { config: VaeConfig::Kl(config), weights, overflows_in_half });
        }
        let folder = Folder::at(path);
        Self::in_folder(&if folder.has_folder("vae")? { folder.join("vae") } else { folder }, notes)
    }

    /// Opens a folder with a `config.json` and weights.
    pub fn in_folder(folder: &Folder, notes: &mut Vec<String>) -> Result<Self, Error> {
        let read = |json: &mut Json| match json.get("_class_name").and_then(|name| name.as_str()) {
            Some("AutoencoderTiny") => Ok((VaeConfig::Tiny(tiny_config(json)?), false)),
            _ => vae_config(json).map(|(config, overflows)| (VaeConfig::Kl(config), overflows)),
        };
        let (config, overflows_in_half) = folder.json("config.json")?.loosely(notes, read)?;
        Ok(Self { config, weights: folder.weights("diffusion_pytorch_model")?, overflows_in_half })
    }

    /// Reads the weights onto `device`.
    pub fn load(&self, device: &Device, dtype: DType) -> Result<Vae, Error> {
        let dtype = match dtype {
            DType::F16 if self.overflows_in_half => FloatDType::F32,
            // Its convolutions are computed in single precision there, and its weights are few.
            _ if sd_ops::takes_half_weights(device) => FloatDType::F32,
            other => other.float(),
        };
        Ok(match &self.config {
            VaeConfig::Kl(config) => Vae::Kl(Box::new(lay_out(self.weights.load(config.init(device), dtype)?))),
            VaeConfig::Tiny(config) => Vae::Tiny(Box::new(lay_out(self.weights.load(config.init(device), dtype)?))),
        })
    }
}

impl VaeConfig {
    /// How many pixels a latent is wide and high.
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

    /// Channels of the widest tensors at a picture's full size.
    pub fn full_size_channels(&self) -> usize {
        match self {
            // The next to finest level's, which are enlarged before they become fewer.
            Self::Kl(config) => *config.block_out_channels.get(1).unwrap_or(&config.block_out_channels[0]),
            Self::Tiny(config) => config.decoder_block_out_channels.last().copied().unwrap_or(0),
        }
    }
}

impl Vae {
    /// The picture of some latents, in the precision of the weights.
    pub fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Kl(vae) => vae.decode(latents.cast(vae.dtype())),
            Self::Tiny(vae) => vae.decode(latents.cast(vae.dtype())),
        }
    }

    /// The likeliest latents of a picture.
    pub fn encode(&self, picture: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Kl(vae) => vae.encode(picture.cast(vae.dtype())).mean(),
            Self::Tiny(vae) => vae.encode(picture.cast(vae.dtype())),
        }
        .cast(TensorType::F32)
    }
}
