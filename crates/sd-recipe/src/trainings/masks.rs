use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::Dataset;

/// Returns the masks of latents that are smaller than the images by `factor`, `[images, 1, height, width]`, if there are masks: the
/// mean of the pixels of each latent, as in kohya's programs (interpolation by area).
pub(super) fn masks(images: &Dataset, factor: usize, device: &Device) -> Option<Tensor<4>> {
    if images.masks.is_empty() {
        return None;
    }
    let (size, count) = (images.size, images.len());
    let side = size / factor;
    let mut values = Vec::with_capacity(count * side * side);
    for mask in images.masks.chunks_exact(size * size) {
        for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
            let rows = (y * factor..(y + 1) * factor).map(|row| &mask[row * size + x * factor..][..factor]);
            let sum: u32 = rows.flatten().map(|&byte| u32::from(byte)).sum();
            values.push(f64::from(sum) / (255 * factor * factor) as f64);
        }
    }
    Some(Tensor::from_data(TensorData::new(values, [count, 1, side, side]), (device, DType::F32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latent_has_the_mean_of_its_pixels() {
        let masks_of =
            |bytes: Vec<u8>| Dataset { size: 4, masks: bytes, captions: vec![String::new(); 2], ..Dataset::default() };
        let first = [255, 255, 0, 0, 255, 255, 0, 0, 0, 255, 51, 0, 0, 0, 0, 0];
        let found = masks(&masks_of([first, [255; 16]].concat()), 2, &Device::flex()).unwrap();
        assert_eq!(found.dims(), [2, 1, 2, 2]);
        let expected = [1.0, 0.0, 0.25, 0.05, 1.0, 1.0, 1.0, 1.0];
        for (found, expected) in found.into_data().iter::<f64>().zip(expected) {
            assert!((found - expected).abs() < 1e-7, "{found} {expected}");
        }
        assert!(masks(&masks_of(Vec::new()), 2, &Device::flex()).is_none());
    }
}
