use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_image::Image;

use crate::Error;
use crate::latents::values;

/// Converts a tensor into images; clips values outside, and rounds halves to even.
///
/// # Shapes
///
/// - `x`: `[batch, 3, height, width]`, from −1 to 1
///
/// # Errors
///
/// [`Error::NotFiniteImage`] for values that are not finite.
pub fn images_from_tensor(x: Tensor<4>) -> Result<Vec<Image>, Error> {
    let [_, _, height, width] = x.dims();
    let planes = values(x)?;
    if planes.iter().any(|v| !v.is_finite()) {
        return Err(Error::NotFiniteImage);
    }
    Ok(planes.chunks(3 * width * height).map(|planes| Image::from_planes(planes, width, height)).collect())
}

/// Converts images of one size into a tensor in single precision.
///
/// # Shapes
///
/// - output: `[images, 3, height, width]`, from −1 to 1
///
/// # Panics
///
/// Panics if there are no images, or if their sizes differ.
pub fn images_to_tensor(images: &[Image], device: &Device) -> Tensor<4> {
    let (width, height) = (images[0].width, images[0].height);
    assert!(images.iter().all(|image| (image.width, image.height) == (width, height)), "images of different sizes");
    let values: Vec<f32> = images.iter().flat_map(|image| sd_image::planes(&image.rgb)).collect();
    Tensor::from_data(TensorData::new(values, [images.len(), 3, height, width]), (device, DType::F32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_come_back_from_their_tensor() {
        let image = |first: u8| Image { width: 2, height: 3, rgb: (first..first + 18).collect() };
        let images = [image(0), image(200)];
        assert_eq!(images_from_tensor(images_to_tensor(&images, &Device::flex())).unwrap(), images);
    }

    #[test]
    fn an_image_that_is_not_finite_is_refused() {
        let x = Tensor::<4>::full([1, 3, 1, 1], f32::NAN, &Device::flex());
        assert!(matches!(images_from_tensor(x), Err(Error::NotFiniteImage)));
    }
}
