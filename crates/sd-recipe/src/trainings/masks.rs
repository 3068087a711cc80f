use burn::tensor::{DType, Tensor, TensorData};

use crate::Dataset;

/// Returns the masks of latents, `[images, 1, height, width]`, if there are masks: the mean of the pixels of each latent, as in kohya's
/// programs (interpolation by area).
pub(super) fn masks(images: &Dataset, latents: &Tensor<4>) -> Option<Tensor<4>> {
    if images.masks.is_empty() {
        return None;
    }
    let [count, _, height, width] = latents.dims();
    let (stride, factor) = (images.width, images.width / width);
    let mut values = Vec::with_capacity(count * height * width);
    for mask in images.masks.chunks_exact(images.width * images.height) {
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let rows = (y * factor..(y + 1) * factor).map(|row| &mask[row * stride + x * factor..][..factor]);
            let sum: u32 = rows.flatten().map(|&byte| u32::from(byte)).sum();
            values.push(f64::from(sum) / (255 * factor * factor) as f64);
        }
    }
    Some(Tensor::from_data(TensorData::new(values, [count, 1, height, width]), (&latents.device(), DType::F32)))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_latent_has_the_mean_of_its_pixels() {
        let masks_of = |masks: Vec<u8>| Dataset { width: 4, height: 2, masks, ..Dataset::default() };
        let latents = Tensor::zeros([2, 3, 1, 2], &Device::flex());
        let bytes = vec![255, 255, 51, 0, 255, 255, 0, 0, 0, 255, 255, 255, 0, 0, 255, 255];
        let found = masks(&masks_of(bytes), &latents).unwrap();
        assert_eq!(found.dims(), [2, 1, 1, 2]);
        for (found, expected) in found.into_data().iter::<f64>().zip([1.0, 0.05, 0.25, 1.0]) {
            assert!((found - expected).abs() < 1e-7, "{found} {expected}");
        }
        assert!(masks(&masks_of(Vec::new()), &latents).is_none());
    }
}
