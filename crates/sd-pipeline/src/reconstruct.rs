use burn::tensor::{DType, Tensor, TensorData};

use crate::networks::Networks;
use crate::pipeline::Pipeline;
use crate::{Error, Image};

impl Pipeline {
    /// What the autoencoder makes of pictures: each encoded, to the mean of its latents, and decoded again.
    ///
    /// No model draws finer than this.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for a model in pixels, which has no autoencoder, for a decoder alone, for pictures that are not of
    /// one size, or not of multiples of the model's factor, and [`Error::NotFinitePicture`].
    pub fn reconstruct(&self, pictures: &[Image]) -> Result<Vec<Image>, Error> {
        let Some(Image { width, height, .. }) = pictures.first() else { return Ok(Vec::new()) };
        let Networks::Text(networks) = &self.networks else {
            return Err(Error::Request("this model draws in pixels: it has no autoencoder".into()));
        };
        let (width, height, vae) = (*width, *height, &networks.vae);
        let factor = self.model.factor();
        let encodes = self.model.text_to_picture().is_some_and(|parts| parts.vae.config.encodes());
        if !encodes {
            return Err(Error::Request("this autoencoder has a decoder alone: choose another with --vae".into()));
        }
        if pictures.iter().any(|picture| (picture.width, picture.height) != (width, height)) {
            return Err(Error::Request("pictures to reconstruct are of one size".into()));
        }
        if !width.is_multiple_of(factor) || !height.is_multiple_of(factor) {
            return Err(Error::Request(format!(
                "a picture of {width}×{height}, but this model's are multiples of {factor}"
            )));
        }
        let numbers: Vec<f32> = pictures.iter().flat_map(planes).collect();
        let data = TensorData::new(numbers, [pictures.len(), 3, height, width]);
        let x = Tensor::<4>::from_data(data, (&self.device, DType::F32));
        Image::from_tensor(vae.decode(vae.encode(x)))
    }
}

/// The red, the green and the blue plane of a picture, from −1 to 1.
fn planes(picture: &Image) -> impl Iterator<Item = f32> {
    let plane = |part| picture.rgb.iter().skip(part).step_by(3);
    (0..3).flat_map(plane).map(|byte| f32::from(*byte) / 127.5 - 1.0)
}
