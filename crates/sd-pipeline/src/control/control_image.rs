use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use sd_preprocess::Preprocessor;
use serde::{Deserialize, Serialize};

use super::Window;
use crate::{Image, Mask};

/// An image that steers a drawing through a control network.
///
/// In serde every field may be left out, and an unknown field is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlImage {
    /// The network: its index among [`Model::controls`](crate::Model::controls).
    pub network: usize,
    /// The image; none is the initial image of the request. It is brought to the size of the drawing as an initial image is.
    pub image: Option<Image>,
    /// What is made of the image before the network reads it.
    pub preprocess: Preprocessor,
    /// What the image shows, for networks that read several kinds: `canny`, `depth`, and the like. None is what the preprocessor makes.
    pub kind: Option<String>,
    /// Factor on the network's outputs; 0 has no effect.
    pub scale: f64,
    /// Share of the steps before the first that the image steers, from 0 to 1.
    pub start: f64,
    /// Share of the steps up to the last that the image steers, above `start` and at most 1.
    pub end: f64,
    /// Which of prompt and image counts more.
    pub mode: ControlMode,
}

/// Whether the prompt or the image of a control network counts more: AUTOMATIC1111's control modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ControlMode {
    /// Both alike.
    #[default]
    Balanced,
    /// The prompt: the network's outputs are weaker, the finer they are.
    Prompt,
    /// The image: the same, and the negative prompt is not steered at all.
    Control,
}

/// An image as a control network reads it, in a [plan](crate::Plan).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Hint {
    /// The name of the network.
    pub name: String,
    /// The image, at the size of the drawing.
    pub image: Image,
    /// The pixels, at least half white, that the network reads as −1 instead: those to be drawn anew.
    pub holes: Option<Mask>,
    /// The index of the image's kind, for networks that read several.
    pub kind: Option<usize>,
    /// What it was made from, without the image.
    pub control: ControlImage,
}

impl Default for ControlImage {
    fn default() -> Self {
        Self {
            network: 0,
            image: None,
            preprocess: Preprocessor::default(),
            kind: None,
            scale: 1.0,
            start: 0.0,
            end: 1.0,
            mode: ControlMode::default(),
        }
    }
}

impl ControlImage {
    /// Creates a control by an image that is ready for the network, in all steps.
    pub fn new(network: usize, image: Image) -> Self {
        Self { network, image: Some(image), ..Self::default() }
    }

    pub(crate) fn window(&self) -> Window {
        Window { start: self.start, end: self.end }
    }
}

impl ControlMode {
    /// Every mode, by its name.
    pub const NAMED: [(&str, Self); 3] =
        [("balanced", Self::Balanced), ("prompt", Self::Prompt), ("control", Self::Control)];
}

impl Display for ControlMode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(_, mode)| mode == self);
        f.write_str(named.expect("every mode has a name").0)
    }
}

impl FromStr for ControlMode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::NAMED.iter().find(|(known, _)| *known == name);
        named.map(|(_, mode)| *mode).ok_or_else(|| format!("{name:?}: expected balanced, prompt or control"))
    }
}
