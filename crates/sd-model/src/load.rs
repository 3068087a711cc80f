use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use sd_clip::{ClipText, Tokenizer};
use sd_ops::lay_out;
use sd_vae::Autoencoder;

use crate::components::{Backbone, Components, TextEncoder};
use crate::image_adapter::Encoders;
use crate::model::{Kind, Model};
use crate::placed::placed;
use crate::precision::{check_precision, precision};
use crate::text_encoder::ClipEncoders;
use crate::text_part::TextPart;
use crate::vae::VaePart;
use crate::{Control, ControlFile, DType, Field, ImageAdapter, ImageAdapterFile, ModelError};

impl Model {
    /// Reads the weights onto `device`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Weights`] if the weights do not fit or are damaged, [`ModelError::Precision`] if the device lacks the
    /// precision.
    pub fn components(&self, device: &Device, dtype: DType) -> Result<Components, ModelError> {
        check_precision(dtype, device)?;
        let (precision, placement) = (precision(dtype, device), self.placement(device));
        let unet = placed(&self.unet_weights, placement);
        let (vae, backbone): (_, Arc<dyn Backbone>) = match &self.kind {
            Kind::Text(parts) => {
                let unet = unet.load(parts.unet_config.init(device), precision)?;
                (Some(&parts.vae), Arc::new(lay_out(unet)))
            }
            Kind::Unconditional(config) => (None, Arc::new(lay_out(unet.load(config.init(device), precision)?))),
        };
        Ok(Components {
            text_encoder: self.text_encoder(device, dtype)?,
            backbone,
            autoencoder: vae.map(|vae: &VaePart| vae.load(device, dtype, placement)).transpose()?,
            process: self.scheduler.process.clone(),
            dtype,
            controls: self
                .controls
                .iter()
                .map(|control| self.control(control, device, dtype))
                .collect::<Result<_, _>>()?,
            image_adapters: self.load_image_adapters(device, dtype)?,
        })
    }

    /// Loads one of the control networks.
    pub(crate) fn control(
        &self,
        file: &ControlFile,
        device: &Device,
        dtype: DType,
    ) -> Result<Arc<Control>, ModelError> {
        Ok(Arc::new(file.load(&self.unet_weights, device, dtype, self.placement(device))?))
    }

    fn load_image_adapters(&self, device: &Device, dtype: DType) -> Result<Vec<Arc<ImageAdapter>>, ModelError> {
        let (mut encoders, placement) = (Encoders::default(), self.placement(device));
        let load = |file: &ImageAdapterFile| Ok(Arc::new(file.load(&mut encoders, device, dtype, placement)?));
        self.image_adapters.iter().map(load).collect()
    }

    /// Loads the text encoders, each with its tokenizer; `None` for a model that reads no text.
    pub(crate) fn text_encoder(
        &self,
        device: &Device,
        dtype: DType,
    ) -> Result<Option<Arc<dyn TextEncoder>>, ModelError> {
        let Kind::Text(parts) = &self.kind else { return Ok(None) };
        let encoder = |part: &TextPart| Ok((part.tokenizer.clone(), part.load(device, dtype, self.placement(device))?));
        let encoders =
            parts.text.iter().map(encoder).collect::<Result<Vec<(Arc<Tokenizer>, ClipText)>, ModelError>>()?;
        Ok(Some(Arc::new(ClipEncoders { parts: encoders, is_xl: self.is_xl() })))
    }

    /// Loads another autoencoder for this model's latents from a folder or a file, such as a TAESD for previews.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] for a model that works on pixels, or if the latents' numbers of channels differ, and those of
    /// [`components`](Self::components).
    pub fn autoencoder(&self, path: &Path, device: &Device, dtype: DType) -> Result<Arc<dyn Autoencoder>, ModelError> {
        let Kind::Text(parts) = &self.kind else {
            let reason = format!("{}: this model draws in pixels", path.display());
            return Err(ModelError::request(Field::Vae, reason));
        };
        VaePart::chosen(path, &parts.unet_config, &mut Vec::new())?.load(device, dtype, self.placement(device))
    }
}
