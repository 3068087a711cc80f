use std::any::Any;
use std::sync::Arc;

use burn::tensor::Device;
use sd_ops::lay_out;
use sd_unet::Unet;
use sd_weights::{Component, Lora, LoraReport, Weights};

use crate::components::{Backbone, Components};
use crate::model::{Kind, Model};
use crate::precision::precision;
use crate::{FewSteps, Field, ModelError};

impl Model {
    /// Merges a LoRA into the weights, which takes effect when they are loaded, and adds the LoRA's words.
    ///
    /// Several LoRAs may be merged, in any order. The report lists words that cannot be added as unmatched, with the reason.
    ///
    /// # Errors
    ///
    /// [`ModelError::Weights`] if none of the file's modules is in the model, or if a module has another shape; the model is
    /// then unchanged.
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
        self.find_few_steps();
        Ok(report)
    }

    /// Finds out whether a LoRA that counts was made for few steps, or else the model.
    fn find_few_steps(&mut self) {
        let mut counting = self.loras.iter().rev().filter(|lora| lora.scale() != 0.0);
        self.few_steps = counting.find_map(FewSteps::of_lora).or(self.own_few_steps);
    }

    /// Number of [merged](Self::merge) LoRAs.
    pub fn loras(&self) -> usize {
        self.loras.len()
    }

    /// Changes the scale of a LoRA: `index` counts the [merged](Self::merge) LoRAs from 0.
    ///
    /// [`refresh`](Self::refresh) updates components that are already loaded.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] if there are fewer LoRAs.
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
        self.find_few_steps();
        Ok(merged?)
    }

    /// Returns components that follow a change of a [LoRA's scale](Self::set_lora_scale).
    ///
    /// Of the backbone, only the weights that LoRAs change are read again; text encoders are read again if a LoRA changes
    /// them.
    ///
    /// # Errors
    ///
    /// [`ModelError::Request`] if the backbone is not the model's own, and those of [`components`](Self::components).
    pub fn refresh(&self, components: &Components, device: &Device) -> Result<Components, ModelError> {
        let Kind::Text(parts) = &self.kind else { return Ok(components.clone()) };
        let mut fresh = components.clone();
        if self.unet_weights.is_changed() {
            let backbone: &dyn Any = &*components.backbone;
            let Some(unet) = backbone.downcast_ref::<Unet>() else {
                return Err(ModelError::request(
                    Field::Lora,
                    "changes the model's own backbone, but these components have another",
                ));
            };
            let unet = self.unet_weights.load_changed(unet.clone(), precision(components.dtype, device))?;
            fresh.backbone = Arc::new(lay_out(unet)) as Arc<dyn Backbone>;
            // Some control networks are changes of the U-Net.
            for (file, control) in self.controls.iter().zip(&mut fresh.controls) {
                if file.kind().needs_unet() {
                    *control = self.control(file, device, components.dtype)?;
                }
            }
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
