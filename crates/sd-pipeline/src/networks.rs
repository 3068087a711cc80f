use burn::tensor::{DType as TensorType, Device, Tensor};
use sd_model::{Components, Model};
use sd_vae::Autoencoder;

use crate::plan::Settings;
use crate::{Error, Field};

/// The networks of a pipeline, in the form that a drawing needs.
pub(crate) struct Networks<'a> {
    pub model: &'a Model,
    pub components: Components,
    pub device: &'a Device,
}

impl Networks<'_> {
    /// Changes the networks for these settings.
    pub fn with(self, settings: &Settings) -> Result<Self, Error> {
        let components = if settings.vae_tiling { self.components.in_bands() } else { self.components };
        let components = match settings.seamless.wrap() {
            None => components,
            Some(wrap) => components.with_wrap(wrap).ok_or_else(|| {
                Error::request(Field::Seamless, "is not possible with these networks: they cannot wrap around")
            })?,
        };
        Ok(Self { components, ..self })
    }

    /// The autoencoder, if it can encode.
    pub fn encoder(&self) -> Result<&dyn Autoencoder, Error> {
        let Some(vae) = &self.components.autoencoder else {
            return Err(Error::Autoencoder("this model draws in pixels: it has no autoencoder".into()));
        };
        if !vae.has_encoder() {
            return Err(Error::Autoencoder("this autoencoder has no encoder: choose another one".into()));
        }
        Ok(&**vae)
    }

    /// Decodes finished latents into images from −1 to 1; returns pixels unchanged.
    pub fn decoded(&self, latents: Tensor<4>) -> Tensor<4> {
        match &self.components.autoencoder {
            Some(vae) => vae.decode(latents),
            None => latents,
        }
        .cast(TensorType::F32)
    }
}
