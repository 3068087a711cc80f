//! How much darker an image is than around it: dark lines, whatever their colour.

use sd_image::Image;

use crate::gaussian::{convolve, kernel};

/// How far the kernels of images of numbers reach, in standard deviations.
const REACH: f64 = 4.0;

/// The bytes of an image, 0 to 255: `[height, width, 3]`.
pub fn values(image: &Image) -> Vec<f64> {
    image.rgb.iter().map(|byte| f64::from(*byte)).collect()
}

/// The bytes of an image, blurred by a standard deviation in pixels and not rounded: `[height, width, 3]`.
pub fn blurred(image: &Image, sigma: f64) -> Vec<f64> {
    convolve(&values(image), image.width, image.height, &kernel(sigma, REACH))
}

/// By how much each pixel of `fine` is darker than that of `coarse`, −255 to 255: the least difference of its colours.
pub fn darker(fine: &[f64], coarse: &[f64]) -> impl Iterator<Item = f32> {
    let least = |(fine, coarse): (&[f64; 3], &[f64; 3])| {
        fine.iter().zip(coarse).map(|(fine, coarse)| coarse - fine).fold(f64::INFINITY, f64::min) as f32
    };
    fine.as_chunks::<3>().0.iter().zip(coarse.as_chunks::<3>().0).map(least)
}
