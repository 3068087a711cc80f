use std::collections::BTreeMap;

use sd_schedule::Prediction;
use sd_weights::Weights;
use sd_weights::single_file::Family;

use crate::ExtraInput;
use crate::model::Model;

/// Description of a model, from its files' headers and configs.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// "Stable Diffusion 1.x", "2.x" or "XL"; or "pixels, without a text".
    pub family: &'static str,
    /// What the U-Net reads beside noisy latents, if anything.
    pub extra_input: Option<ExtraInput>,
    /// The network's prediction: "eps", "v" or "x0".
    pub prediction: &'static str,
    /// Width and height of an image if none is requested.
    pub size: (usize, usize),
    /// The sampler if none is requested.
    pub sampler: &'static str,
    /// The networks.
    pub components: Vec<Component>,
    /// Metadata of the U-Net's file or of the single file.
    pub metadata: BTreeMap<String, String>,
    /// Assumptions about the model.
    pub notes: Vec<String>,
}

/// One network of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name in the diffusers layout.
    pub name: &'static str,
    /// Number of parameters.
    pub parameters: usize,
    /// The types of the weights in the file, the most frequent first.
    pub precision: Vec<String>,
}

impl Model {
    /// Returns a description of this model.
    pub fn summary(&self) -> Summary {
        let mut components = vec![component("unet", &self.unet_weights)];
        if let Some(parts) = self.text_to_image() {
            components.push(component("vae", &parts.vae.weights));
            let names = self.family().map_or(&[][..], Family::text_encoders).iter().zip(&parts.text);
            components.extend(names.map(|(name, part)| component(name, &part.weights)));
        }
        Summary {
            family: match self.family() {
                None => "pixels, without a text",
                Some(Family::Sd1) => "Stable Diffusion 1.x",
                Some(Family::Sd2) => "Stable Diffusion 2.x",
                Some(Family::Xl) => "Stable Diffusion XL",
                Some(Family::XlRefiner) => "Stable Diffusion XL, refiner",
            },
            extra_input: self.extra_input(),
            prediction: match self.scheduler.prediction {
                Prediction::Eps => "eps",
                Prediction::V => "v",
                Prediction::X0 => "x0",
                _ => "flow",
            },
            size: self.default_size,
            sampler: self.scheduler.sampler.unwrap_or_default().info().name,
            components,
            metadata: self.unet_weights.metadata().clone(),
            notes: self.notes.clone(),
        }
    }
}

fn component(name: &'static str, weights: &Weights) -> Component {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for key in weights.keys() {
        let (Some(dtype), Some(shape)) = (weights.dtype(key), weights.shape(key)) else { continue };
        *counts.entry(format!("{dtype:?}").to_lowercase()).or_default() += shape.iter().product::<usize>();
    }
    let mut precision: Vec<(String, usize)> = counts.into_iter().collect();
    precision.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let precision = precision.into_iter().map(|(dtype, _)| dtype).collect();
    Component { name, parameters: weights.elements(), precision }
}
