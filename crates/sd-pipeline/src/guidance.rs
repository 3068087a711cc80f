use burn::tensor::Tensor;
use sd_model::Backbone;
use sd_unet::Conditions;

/// How the predictions for different conditions become one.
///
/// Each kind needs rows of conditions for every image, one group after the other; the prompt's are the last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Guidance {
    /// The prompt alone.
    None,
    /// Away from the negative prompt (Ho & Salimans 2022, equation 6). Groups: negative prompt, prompt.
    Text(f64),
    /// Away from the negative prompt and towards an image (Brooks et al. 2023, equation 3). Groups: negative prompt without the image,
    /// negative prompt, prompt.
    TextAndImage { text: f64, image: f64 },
}

impl Guidance {
    /// Number of groups of rows.
    pub fn groups(self) -> usize {
        match self {
            Self::None => 1,
            Self::Text(_) => 2,
            Self::TextAndImage { .. } => 3,
        }
    }

    /// Repeats input channels for every group.
    pub fn channels(self, channels: Tensor<4>) -> Tensor<4> {
        let mut groups = vec![channels.clone(); self.groups()];
        if let Self::TextAndImage { .. } = self {
            groups[0] = channels.zeros_like();
        }
        Tensor::cat(groups, 0)
    }

    /// Predicts with the backbone for all groups at once, and combines the predictions.
    ///
    /// # Shapes
    ///
    /// - x: `[images, channels, height, width]`, single precision
    /// - output: as x
    pub fn predict(self, backbone: &dyn Backbone, conditions: Option<&Conditions>, x: Tensor<4>, t: f64) -> Tensor<4> {
        let [images, ..] = x.dims();
        let rows = images * self.groups();
        let x = Tensor::cat(vec![x; self.groups()], 0);
        let mut outputs = backbone.predict(x, &vec![t; rows], conditions).chunk(self.groups(), 0);
        let prompted = outputs.pop().expect("a group for the prompts");
        match (self, outputs.pop(), outputs.pop()) {
            (Self::Text(scale), Some(negative), _) => negative.clone() + (prompted - negative) * scale,
            (Self::TextAndImage { text, image }, Some(negative), Some(without)) => {
                without.clone() + (prompted - negative.clone()) * text + (negative - without) * image
            }
            _ => prompted,
        }
    }
}
