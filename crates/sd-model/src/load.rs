use std::sync::Arc;

use burn::tensor::Device;
use sd_clip::{ClipText, Tokenizer};
use sd_ops::lay_out;

use crate::components::{Backbone, Components, TextEncoder};
use crate::model::{Kind, Model};
use crate::precision::precision;
use crate::text_encoder::ClipEncoders;
use crate::text_part::TextPart;
use crate::vae::VaePart;
use crate::{DType, ModelError};

impl Model {
    /// Reads the weights onto `device`.
    ///
    /// # Errors
    ///
    /// [`ModelError::Weights`] where they do not fit or are damaged, [`ModelError::Precision`] where the device lacks the precision.
    pub fn components(&self, device: &Device, dtype: DType) -> Result<Components, ModelError> {
        if !device.supports_dtype(dtype.float()) {
            return Err(ModelError::Precision { device: "this device".into(), dtype, precisions: vec![DType::F32] });
        }
        let precision = precision(dtype, device);
        let (text, vae, backbone): (_, _, Arc<dyn Backbone>) = match &self.kind {
            Kind::Text(parts) => {
                let unet = self.unet_weights.load(parts.unet_config.init(device), precision)?;
                (Some(&parts.text), Some(&parts.vae), Arc::new(lay_out(unet)))
            }
            Kind::Unconditional(config) => {
                (None, None, Arc::new(lay_out(self.unet_weights.load(config.init(device), precision)?)))
            }
        };
        let encoder = |part: &TextPart| Ok((part.tokenizer.clone(), part.load(device, dtype)?));
        let text_encoder = |parts: &Vec<TextPart>| -> Result<Arc<dyn TextEncoder>, ModelError> {
            let parts = parts.iter().map(encoder).collect::<Result<Vec<(Tokenizer, ClipText)>, ModelError>>()?;
            Ok(Arc::new(ClipEncoders { parts, is_xl: self.is_xl() }))
        };
        Ok(Components {
            text_encoder: text.map(text_encoder).transpose()?,
            backbone,
            autoencoder: vae.map(|vae: &VaePart| vae.load(device, dtype)).transpose()?,
            process: self.scheduler.process(),
        })
    }
}
