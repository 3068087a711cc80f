use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use sd_unet::{AttentionLayer, Place};
use serde::{Deserialize, Serialize};

/// The layers of the U-Net that see the image of a prompt, and so what they take from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ImageLayers {
    /// All of them: content, composition and style.
    #[default]
    All,
    /// Those that decide about the style: InstantStyle (Wang et al. 2024, [arXiv:2404.02733](https://arxiv.org/abs/2404.02733)) for
    /// XL. For other models all but those of the coarsest level, as in ComfyUI's IPAdapter nodes.
    Style,
    /// Those that decide about the composition: the second transformer of the coarsest level on the way down; for models other than
    /// XL also the first, with a quarter of the weight.
    Composition,
}

impl ImageLayers {
    /// Every choice, by its name.
    pub const NAMED: [(&str, Self); 3] =
        [("all", Self::All), ("style", Self::Style), ("composition", Self::Composition)];

    /// The share of the image's weight that counts in a layer.
    pub(crate) fn share(self, layer: &AttentionLayer, is_xl: bool) -> f64 {
        let (composition, style) = match (is_xl, layer.place, layer.attention) {
            (true, Place::Down(2), 1) => (1.0, 0.0),
            (true, Place::Up(0), 1) => (0.0, 1.0),
            (true, ..) => (0.0, 0.0),
            (false, Place::Down(2), 0) => (0.25, 0.0),
            (false, Place::Down(2), _) => (1.0, 0.0),
            (false, Place::Up(1), _) => (0.0, 0.0),
            (false, ..) => (0.0, 1.0),
        };
        match self {
            Self::All => 1.0,
            Self::Style => style,
            Self::Composition => composition,
        }
    }
}

impl Display for ImageLayers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let named = Self::NAMED.iter().find(|(_, layers)| layers == self);
        f.write_str(named.expect("every choice has a name").0)
    }
}

impl FromStr for ImageLayers {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::NAMED.iter().find(|(known, _)| *known == name);
        named.map(|(_, layers)| *layers).ok_or_else(|| format!("{name:?}: expected all, style or composition"))
    }
}

#[cfg(test)]
mod tests {
    use sd_unet::UnetConfig;

    use super::*;

    /// InstantStyle's settings of diffusers: `up.block_0 = [0, 1, 0]` and `down.block_2 = [0, 1]`, with ten layers each.
    #[test]
    fn xl_has_ten_layers_for_style_and_ten_for_composition() {
        let layers = UnetConfig::sdxl().attention_layers();
        for choice in [ImageLayers::Style, ImageLayers::Composition] {
            assert_eq!(layers.iter().map(|layer| choice.share(layer, true)).sum::<f64>(), 10.0);
        }
    }

    /// The numbers of layers in ComfyUI's nodes.
    #[test]
    fn other_models_have_eleven_layers_for_style_and_two_for_composition() {
        let layers = UnetConfig::sd1().attention_layers();
        let sum = |choice: ImageLayers| layers.iter().map(|layer| choice.share(layer, false)).sum::<f64>();
        assert_eq!([sum(ImageLayers::All), sum(ImageLayers::Style), sum(ImageLayers::Composition)], [16.0, 11.0, 1.25]);
    }
}
