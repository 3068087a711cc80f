use sd_weights::{Component, Lora, LoraReport, Weights};

use crate::model::Kind;
use crate::{Error, Model};

impl Model {
    /// Has a LoRA file change the weights when they are loaded.
    ///
    /// Several may be merged; their order makes no difference.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] where nothing of the file is in the model, or something of another shape; then nothing is
    /// changed.
    pub fn merge(&mut self, lora: &Lora) -> Result<LoraReport, Error> {
        let mut networks: Vec<(Component, &mut Weights)> = vec![(Component::Unet, &mut self.unet_weights)];
        if let Kind::Text(parts) = &mut self.kind {
            let encoders = parts.text.iter_mut().map(|part| &mut part.weights);
            networks.extend([Component::TextEncoder, Component::TextEncoder2].into_iter().zip(encoders));
        }
        Ok(lora.merge(&mut networks)?)
    }
}
