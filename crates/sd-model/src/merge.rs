use std::any::Any;
use std::sync::Arc;

use burn::tensor::Device;
use sd_ops::lay_out;
use sd_unet::Unet;
use sd_weights::{Component, Lora, LoraReport, Weights};

use crate::components::{Backbone, Components};
use crate::model::{Kind, Model};
use crate::precision::precision;
use crate::{Field, ModelError};

impl Model {
    /// Has a LoRA file change the weights when they are loaded, and adds the words that it brings.
    ///
    /// Several may be merged; their order makes no difference to the weights. A word that cannot be added is reported among what
    /// is unmatched, with the reason.
    ///
    /// # Errors
    ///
    /// [`ModelError::Weights`] where nothing of the file is in the model, or something of another shape; then nothing is
    /// changed.
    pub fn merge(&mut self, lora: Lora) -> Result<LoraReport, ModelError> {
        let mut report = lora.merge(&mut self.networks())?;
        report.words.clear();
        for inversion in lora.words() {
            match self.add_word(inversion) {
                Ok(()) => report.words.push(inversion.word.clone()),
                Err(error) => report.unmatched.push(format!("its word {:?} ({error})", inversion.word)),
            }
        }
        self.loras.push(lora);
        Ok(report)
    }

    /// Merges a LoRA at another scale: `index` counts those that were [merged](Self::merge), from 0. Components that are loaded
    /// already follow with [`refresh`](Self::refresh).
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] where there are fewer.
    pub fn set_lora_scale(&mut self, index: usize, scale: f64) -> Result<(), ModelError> {
        let count = self.loras.len();
        if index >= count {
            let reason = format!("{index} does not exist: {count} were merged, counted from 0");
            return Err(ModelError::request(Field::Lora, reason));
        }
        let lora = self.loras.remove(index).with_scale(scale);
        self.loras.insert(index, lora);
        for (_, weights) in self.networks() {
            *weights = weights.without_changes();
        }
        let loras = std::mem::take(&mut self.loras);
        let merged = loras.iter().try_for_each(|lora| lora.merge(&mut self.networks()).map(drop));
        self.loras = loras;
        Ok(merged?)
    }

    /// Components that follow a change of a [LoRA's scale](Self::set_lora_scale): of the backbone, only the weights that LoRAs change
    /// are read again; text encoders are read again if a LoRA changes them.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] where the backbone is not the model's own, and as [`components`](Self::components).
    pub fn refresh(&self, components: &Components, device: &Device) -> Result<Components, ModelError> {
        let Kind::Text(parts) = &self.kind else { return Ok(components.clone()) };
        let mut fresh = components.clone();
        if self.unet_weights.is_changed() {
            let backbone: &dyn Any = &*components.backbone;
            let Some(unet) = backbone.downcast_ref::<Unet>() else {
                return Err(ModelError::request(Field::Lora, "changes the model's own backbone, and this is another"));
            };
            let unet = self.unet_weights.load_changed(unet.clone(), precision(components.dtype, device))?;
            fresh.backbone = Arc::new(lay_out(unet)) as Arc<dyn Backbone>;
        }
        if parts.text.iter().any(|part| part.weights.is_changed()) {
            fresh.text_encoder = self.text_encoder(device, components.dtype)?;
        }
        Ok(fresh)
    }

    /// The networks that LoRAs may change.
    fn networks(&mut self) -> Vec<(Component, &mut Weights)> {
        let mut networks: Vec<(Component, &mut Weights)> = vec![(Component::Unet, &mut self.unet_weights)];
        if let Kind::Text(parts) = &mut self.kind {
            let encoders = parts.text.iter_mut().map(|part| &mut part.weights);
            networks.extend([Component::TextEncoder, Component::TextEncoder2].into_iter().zip(encoders));
        }
        networks
    }
}
