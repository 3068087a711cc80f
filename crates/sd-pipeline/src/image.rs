use std::path::Path;

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_weights::write_atomically;

use crate::Error;
use crate::latents::values;

/// An image of 8-bit red, green and blue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `height·width·3` bytes, row by row from the top.
    pub rgb: Vec<u8>,
}

impl Image {
    /// Converts `[batch, 3, height, width]` in −1 to 1 into images; clips values outside, and rounds halves to even.
    ///
    /// # Errors
    ///
    /// [`Error::NotFiniteImage`] for values that are not finite.
    pub fn from_tensor(x: Tensor<4>) -> Result<Vec<Self>, Error> {
        let [_, _, height, width] = x.dims();
        let planes = values(x)?;
        if planes.iter().any(|v| !v.is_finite()) {
            return Err(Error::NotFiniteImage);
        }
        let byte = |v: f32| ((v / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8;
        let size = width * height;
        let image = |planes: &[f32]| Self {
            width,
            height,
            rgb: (0..3 * size).map(|i| byte(planes[i % 3 * size + i / 3])).collect(),
        };
        Ok(planes.chunks(3 * size).map(image).collect())
    }

    /// Converts images of one size into `[batch, 3, height, width]` in −1 to 1, single precision.
    ///
    /// # Panics
    ///
    /// Panics if there are no images, or if their sizes differ.
    pub fn to_tensor(images: &[Self], device: &Device) -> Tensor<4> {
        let (width, height) = (images[0].width, images[0].height);
        assert!(images.iter().all(|image| (image.width, image.height) == (width, height)), "images of different sizes");
        let plane = |image: &Self, part| image.rgb.iter().skip(part).step_by(3).copied().collect::<Vec<u8>>();
        let planes = images.iter().flat_map(|image| (0..3).flat_map(move |part| plane(image, part)));
        let values: Vec<f32> = planes.map(|byte| f32::from(byte) / 127.5 - 1.0).collect();
        Tensor::from_data(TensorData::new(values, [images.len(), 3, height, width]), (device, DType::F32))
    }

    /// Writes a PNG file: first to a temporary file beside `path`, which is renamed once complete.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.save_with_text(path, &[])
    }

    /// As [`save`](Self::save), with texts that image viewers show, each with its keyword.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn save_with_text(&self, path: impl AsRef<Path>, texts: &[(&str, &str)]) -> Result<(), Error> {
        let path = path.as_ref();
        write_atomically(path, |file| {
            let mut encoder = png::Encoder::new(file, self.width as u32, self.height as u32);
            encoder.set_color(png::ColorType::Rgb);
            encoder.set_depth(png::BitDepth::Eight);
            for (keyword, text) in texts {
                encoder.add_itxt_chunk(keyword.to_string(), text.to_string())?;
            }
            let mut writer = encoder.write_header()?;
            writer.write_image_data(&self.rgb)?;
            Ok(writer.finish()?)
        })
        .map_err(|source| Error::Io { file: path.to_path_buf(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn planes_become_pixels_and_out_of_range_is_clipped() {
        let x = Tensor::<1>::from_floats([-1.0, 1.0, 0.0, 3.0, 0.5, -9.0], &Device::flex()).reshape([1, 3, 1, 2]);
        let image = Image::from_tensor(x).unwrap().remove(0);
        assert_eq!((image.width, image.height), (2, 1));
        assert_eq!(image.rgb, [0, 128, 191, 255, 255, 0]);
    }

    #[test]
    fn an_image_that_is_not_finite_is_refused() {
        let x = Tensor::<4>::full([1, 3, 1, 1], f32::NAN, &Device::flex());
        assert!(matches!(Image::from_tensor(x), Err(Error::NotFiniteImage)));
    }
}
