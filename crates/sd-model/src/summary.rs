use std::collections::BTreeMap;

use sd_schedule::{Prediction, Process};
use sd_weights::single_file::Family;

use crate::component::{Component, component, name_of_family};
use crate::model::Model;
use crate::{ExtraInput, FewSteps};

/// Description of a model, from its files' headers and configs.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// "Stable Diffusion 1.x", "2.x" or "XL"; or "pixels, without a text".
    pub family: &'static str,
    /// What the U-Net reads beside noisy latents, if anything.
    pub extra_input: Option<ExtraInput>,
    /// The network's prediction: "eps", "v", "x0" or "edm".
    pub prediction: &'static str,
    /// Width and height of an image if none is requested.
    pub size: (usize, usize),
    /// The sampler if none is requested.
    pub sampler: &'static str,
    /// How it wants to be drawn, if it was made for few steps.
    pub few_steps: Option<FewSteps>,
    /// The networks.
    pub components: Vec<Component>,
    /// Metadata of the U-Net's file or of the single file.
    pub metadata: BTreeMap<String, String>,
    /// Assumptions about the model.
    pub notes: Vec<String>,
}

impl Model {
    /// The name of the model's family, in words.
    pub(crate) fn family_name(&self) -> &'static str {
        self.family().map_or("pixels, without a text", name_of_family)
    }

    /// Returns a description of this model.
    pub fn summary(&self) -> Summary {
        let mut components = vec![component("unet", &self.unet_weights)];
        if let Some(parts) = self.text_to_image() {
            components.push(component("vae", &parts.vae.weights));
            let names = self.family().map_or(&[][..], Family::text_encoders).iter().zip(&parts.text);
            components.extend(names.map(|(name, part)| component(name, &part.weights)));
        }
        Summary {
            family: self.family_name(),
            extra_input: self.extra_input(),
            prediction: match self.scheduler.prediction() {
                _ if matches!(self.scheduler.process, Process::Edm(_)) => "edm",
                Prediction::Eps => "eps",
                Prediction::V => "v",
                Prediction::X0 => "x0",
                _ => "flow",
            },
            size: self.default_size,
            sampler: self
                .few_steps
                .and_then(|few| few.sampler)
                .or(self.scheduler.sampler)
                .unwrap_or_default()
                .info()
                .name,
            few_steps: self.few_steps,
            components,
            metadata: self.unet_weights.metadata().clone(),
            notes: self.notes.clone(),
        }
    }
}
