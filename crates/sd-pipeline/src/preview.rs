use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_vae::Autoencoder;

use crate::{Error, Image, Pipeline, images_from_tensor};

/// Cheap previews of latents: a linear map from their channels to red, green and blue, with one pixel for each latent.
///
/// The map is measured once by decoding uniform areas with the pipeline's autoencoder, one for each direction of each
/// channel. A preview then costs a product of two small matrices. For sharper previews, decode with a
/// [small autoencoder](crate::Model::autoencoder).
#[derive(Debug, Clone)]
pub struct Preview {
    /// `[channels, 3]`; none for models in pixels, whose denoised images need no map.
    weight: Option<Tensor<2>>,
    /// `[1, 3]`.
    bias: Tensor<2>,
}

impl Preview {
    /// Measures the map of a pipeline's autoencoder by decoding `2·channels + 1` images of a few latents each.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`] if the device fails.
    pub fn new(pipeline: &Pipeline) -> Result<Self, Error> {
        let device = &pipeline.device;
        match &pipeline.components().autoencoder {
            Some(vae) => Self::measure(&**vae, device),
            None => Ok(Self { weight: None, bias: Tensor::zeros([1, 3], (device, DType::F32)) }),
        }
    }

    fn measure(vae: &dyn Autoencoder, device: &Device) -> Result<Self, Error> {
        /// Side of an area in latents: large enough that the border does not affect the middle.
        const SIDE: usize = 5;
        let channels = vae.latent_channels();
        let area = |channel: usize, value: f32| {
            (0..channels).flat_map(move |c| vec![if c == channel { value } else { 0.0 }; SIDE * SIDE])
        };
        let areas = (0..channels).flat_map(|channel| [1.0, -1.0].into_iter().flat_map(move |v| area(channel, v)));
        let values: Vec<f32> = areas.chain(area(0, 0.0)).collect();
        let latents = TensorData::new(values, [2 * channels + 1, channels, SIDE, SIDE]);
        let decoded = vae.decode(Tensor::from_data(latents, (device, DType::F32))).cast(DType::F32);
        let middle = SIDE / 2 * vae.scale_factor()..(SIDE / 2 + 1) * vae.scale_factor();
        let colours: Tensor<2> =
            decoded.slice([0..2 * channels + 1, 0..3, middle.clone(), middle]).mean_dims(&[2, 3]).reshape([-1, 3]);
        let colours = colours.try_into_data().map_err(Error::backend)?.try_to_vec::<f32>().map_err(Error::backend)?;
        let colour = |row: usize, part: usize| colours[3 * row + part];
        let weight = (0..channels).flat_map(|c| (0..3).map(move |part| (c, part)));
        let weight: Vec<f32> = weight.map(|(c, part)| (colour(2 * c, part) - colour(2 * c + 1, part)) / 2.0).collect();
        let bias: Vec<f32> = (0..3).map(|part| colour(2 * channels, part)).collect();
        Ok(Self {
            weight: Some(Tensor::from_data(TensorData::new(weight, [channels, 3]), (device, DType::F32))),
            bias: Tensor::from_data(TensorData::new(bias, [1, 3]), (device, DType::F32)),
        })
    }

    /// Makes previews of latents such as [`Step::denoised`](crate::Step::denoised), one pixel for each latent.
    ///
    /// # Shapes
    ///
    /// - latents: `[images, channels, height, width]`
    ///
    /// # Errors
    ///
    /// [`Error::NotFiniteImage`], and [`Error::Backend`] if the device fails.
    pub fn images(&self, latents: &Tensor<4>) -> Result<Vec<Image>, Error> {
        let Some(weight) = &self.weight else { return images_from_tensor(latents.clone()) };
        let [images, channels, height, width] = latents.dims();
        let rows: Tensor<2> = latents.clone().cast(DType::F32).permute([0, 2, 3, 1]).reshape([-1, channels as i32]);
        let colours = rows.matmul(weight.clone()) + self.bias.clone();
        images_from_tensor(colours.reshape([images, height, width, 3]).permute([0, 3, 1, 2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes colours by a linear map and tiles the image to twice its size, which does not show in uniform areas.
    #[derive(Debug)]
    struct Linear;

    impl Autoencoder for Linear {
        fn encode(&self, image: Tensor<4>) -> Tensor<4> {
            image
        }

        fn decode(&self, latents: Tensor<4>) -> Tensor<4> {
            let [n, _, height, width] = latents.dims();
            let channel = |c: usize| latents.clone().slice([0..n, c..c + 1, 0..height, 0..width]);
            let colours = vec![channel(0) * 0.3 - channel(1) * 0.1, channel(1) * 0.2 + 0.25, channel(0) * -0.4];
            Tensor::cat(colours, 1).repeat_dim(2, 2).repeat_dim(3, 2)
        }

        fn scale_factor(&self) -> usize {
            2
        }

        fn latent_channels(&self) -> usize {
            2
        }
    }

    #[test]
    fn a_linear_decoder_is_previewed_exactly() {
        let device = Device::flex();
        let preview = Preview::measure(&Linear, &device).unwrap();
        let values: Vec<f32> = (0..12).map(|i| (i as f32 - 5.0) / 4.0).collect();
        let latents = Tensor::<4>::from_data(TensorData::new(values, [1, 2, 2, 3]), &device);
        let image = preview.images(&latents).unwrap().remove(0);
        let decoded = images_from_tensor(Linear.decode(latents)).unwrap().remove(0);
        assert_eq!((image.width, image.height), (3, 2));
        // Repeated tiles: pixel (x, y) of the first one is the latent at (x, y).
        for (y, x) in (0..2).flat_map(|y| (0..3).map(move |x| (y, x))) {
            let (a, b) = (&image.rgb[3 * (3 * y + x)..][..3], &decoded.rgb[3 * (6 * y + x)..][..3]);
            assert!(a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 1), "{a:?} {b:?}");
        }
    }
}
