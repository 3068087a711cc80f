use burn::prelude::*;
use burn::tensor::DType;
use sd_image::{Filter, Image, Region};

use super::ClipVisionConfig;

/// Means of red, green and blue over CLIP's training images, from 0 to 1.
const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Their standard deviations.
const STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

impl ClipVisionConfig {
    /// Prepares images for [`ClipVision::forward`](crate::ClipVision::forward): resizes each until its shorter side is
    /// `image_size`, with Pillow's bicubic filter, cuts the middle out, and normalises the values with the mean and the standard
    /// deviation of CLIP's training images.
    ///
    /// This is what transformers' `CLIPImageProcessor` does with Pillow, to the last bit, and so what the IP-Adapter pipelines of
    /// diffusers do. Where torchvision is installed, transformers 5 resizes with that instead: in images of noise, under 1 % of
    /// its bytes differ from Pillow's, by 1 or 2 of 255.
    ///
    /// # Shapes
    ///
    /// - output: `[images, 3, image_size, image_size]`, in single precision
    ///
    /// # Panics
    ///
    /// Panics if there are no images, or if one has no pixels.
    pub fn pixels(&self, images: &[Image], device: &Device) -> Tensor<4> {
        let side = self.image_size;
        let values: Vec<f32> = images.iter().flat_map(|image| normalised(&square(image, side))).collect();
        Tensor::from_data(TensorData::new(values, [images.len(), 3, side, side]), (device, DType::F32))
    }
}

/// The middle square of an image, with this side.
fn square(image: &Image, side: usize) -> Image {
    let shorter = image.width.min(image.height);
    // The longer side is rounded down.
    let scaled = |length: usize| side * length / shorter;
    let resized = image.resize(scaled(image.width), scaled(image.height), Filter::Bicubic);
    let (left, top) = ((resized.width - side) / 2, (resized.height - side) / 2);
    resized.crop(Region { left, top, right: left + side, bottom: top + side })
}

/// The planes of an image's colours, each with mean 0 and standard deviation 1 over CLIP's training images.
fn normalised(image: &Image) -> Vec<f32> {
    // As in transformers, in double precision up to the division by 255, and then in single precision.
    let value = |byte: u8, colour: usize| ((f64::from(byte) * (1.0 / 255.0)) as f32 - MEAN[colour]) / STD[colour];
    let plane = |colour| image.rgb.iter().skip(colour).step_by(3).map(move |byte| value(*byte, colour));
    (0..3).flat_map(plane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_wide_image_remains() {
        let rgb = (0..4).flat_map(|_| (0..8).flat_map(|x| [if (2..6).contains(&x) { 200 } else { 0 }; 3])).collect();
        let image = Image { width: 8, height: 4, rgb };
        assert_eq!(square(&image, 4), Image { width: 4, height: 4, rgb: vec![200; 48] });
    }

    #[test]
    fn values_are_counted_from_the_mean_in_standard_deviations() {
        let image = Image { width: 1, height: 1, rgb: vec![255, 0, 51] };
        let expected = [0, 1, 2].map(|i| ([1.0, 0.0, 0.2][i] - MEAN[i]) / STD[i]);
        assert_eq!(normalised(&image), expected);
    }
}
