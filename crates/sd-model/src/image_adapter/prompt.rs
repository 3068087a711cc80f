use burn::tensor::Tensor;
use sd_adapters::ImageStates;
use sd_image::Image;

use super::load::ImageAdapter;

/// Images as keys and values for the cross-attention of a U-Net.
///
/// Both lists have a pair for each layer, in the order they run: down, middle, up.
#[derive(Debug, Clone)]
pub struct ImageTokens {
    /// Of the images: each `[1, tokens, channels of the layer]`.
    pub positive: Vec<(Tensor<3>, Tensor<3>)>,
    /// Of no image, for the prediction that guidance leads away from; of the same shapes.
    pub negative: Vec<(Tensor<3>, Tensor<3>)>,
}

impl ImageAdapter {
    /// Encodes the images of one prompt; their tokens follow each other.
    ///
    /// No image is an embedding of zeros for a plain adapter, and for others a picture whose normalised pixels are 0, as in
    /// diffusers.
    ///
    /// # Panics
    ///
    /// Panics if there are no images.
    pub fn prompt(&self, images: &[Image]) -> ImageTokens {
        assert!(!images.is_empty(), "an image prompt without images");
        let pixels = self.encoder.config().pixels(images, &self.encoder.device());
        let (states, none) = match self.network.config().projection.reads() {
            ImageStates::Embedding => {
                let states = self.encoder.forward(pixels).embeds.unsqueeze_dim::<3>(1);
                (states.clone(), states.zeros_like())
            }
            ImageStates::Penultimate => {
                let nothing = pixels.clone().slice_dim(0, 0..1).zeros_like();
                let none = self.encoder.forward(nothing).penultimate.repeat_dim(0, images.len());
                (self.encoder.forward(pixels).penultimate, none)
            }
        };
        let attended =
            |states: Tensor<3>| self.network.keys_values(self.network.tokens(states.cast(self.network.dtype())));
        ImageTokens { positive: attended(states), negative: attended(none) }
    }
}
