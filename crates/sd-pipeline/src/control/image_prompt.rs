use serde::{Deserialize, Serialize};

use super::{ImageLayers, Window};
use crate::{Error, Field, Image, Mask};

/// Images that a drawing follows as it follows its prompt (IP-Adapter: Ye et al. 2023,
/// [arXiv:2308.06721](https://arxiv.org/abs/2308.06721)).
///
/// In serde every field may be left out, and an unknown field is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImagePrompt {
    /// The adapter: its index among [`Model::image_adapters`](crate::Model::image_adapters).
    pub adapter: usize,
    /// The images, at least one; several are read as one prompt.
    pub images: Vec<Image>,
    /// Factor on the attention to the images; 0 has no effect.
    pub scale: f64,
    /// Where the images count: at least half white. It is brought to the size of the drawing as an initial image is; none is
    /// everywhere.
    pub mask: Option<Mask>,
    /// Share of the steps before the first that the images change, from 0 to 1.
    pub start: f64,
    /// Share of the steps up to the last that the images change, above `start` and at most 1.
    pub end: f64,
    /// The layers of the network that see the images.
    pub layers: ImageLayers,
}

/// An [`ImagePrompt`] in a [plan](crate::Plan), with its mask at the size of the drawing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedImagePrompt {
    /// The name of the adapter.
    pub name: String,
    /// The images, and how they count.
    pub prompt: ImagePrompt,
}

impl Default for ImagePrompt {
    fn default() -> Self {
        Self {
            adapter: 0,
            images: Vec::new(),
            scale: 1.0,
            mask: None,
            start: 0.0,
            end: 1.0,
            layers: ImageLayers::default(),
        }
    }
}

impl ImagePrompt {
    /// Creates a prompt of one image, for all steps and layers.
    pub fn new(adapter: usize, image: Image) -> Self {
        Self { adapter, images: vec![image], ..Self::default() }
    }

    pub(crate) fn window(&self) -> Window {
        Window { start: self.start, end: self.end }
    }

    /// Checks the numbers and images; `adapters` is the number of adapters.
    pub(crate) fn check(&self, adapters: usize) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::request(Field::ImagePrompt, reason));
        if self.adapter >= adapters {
            return refuse(format!(
                "names adapter {}, but the model has {adapters}: add it to the model first",
                self.adapter
            ));
        }
        if self.images.is_empty() || self.images.iter().any(|image| image.width == 0 || image.height == 0) {
            return refuse("has no image, or an empty one".into());
        }
        if !self.scale.is_finite() {
            return refuse(format!("has the scale {}: a finite number is needed", self.scale));
        }
        self.window().check(Field::ImagePrompt)
    }
}
