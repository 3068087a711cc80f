use burn::tensor::{DType, Tensor, TensorData};

use crate::networks::Networks;
use crate::pipeline::Pipeline;
use crate::{Error, Image};

impl Pipeline {
    /// What the autoencoder makes of images: each encoded, to the mean of its latents, and decoded again.
    ///
    /// No model draws finer than this.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for a model in pixels, which has no autoencoder, for a decoder alone, for images that are not of
    /// one size, or not of multiples of the model's factor, and [`Error::NotFiniteImage`].
    pub fn reconstruct(&self, images: &[Image]) -> Result<Vec<Image>, Error> {
        let Some(Image { width, height, .. }) = images.first() else { return Ok(Vec::new()) };
        let Networks::Text(networks) = &self.networks else {
            return Err(Error::Request("this model draws in pixels: it has no autoencoder".into()));
        };
        let (width, height, vae) = (*width, *height, &networks.vae);
        let factor = self.model.factor();
        let encodes = self.model.text_to_image().is_some_and(|parts| parts.vae.config.encodes());
        if !encodes {
            return Err(Error::Request("this autoencoder has a decoder alone: choose another with --vae".into()));
        }
        if images.iter().any(|image| (image.width, image.height) != (width, height)) {
            return Err(Error::Request("images to reconstruct are of one size".into()));
        }
        if !width.is_multiple_of(factor) || !height.is_multiple_of(factor) {
            return Err(Error::Request(format!(
                "an image of {width}×{height}, but this model's are multiples of {factor}"
            )));
        }
        let numbers: Vec<f32> = images.iter().flat_map(planes).collect();
        let data = TensorData::new(numbers, [images.len(), 3, height, width]);
        let x = Tensor::<4>::from_data(data, (&self.device, DType::F32));
        Image::from_tensor(vae.decode(vae.encode(x)))
    }
}

/// The red, the green and the blue plane of an image, from −1 to 1.
fn planes(image: &Image) -> impl Iterator<Item = f32> {
    let plane = |part| image.rgb.iter().skip(part).step_by(3);
    (0..3).flat_map(plane).map(|byte| f32::from(*byte) / 127.5 - 1.0)
}
