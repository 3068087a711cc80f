use sd_image::Image;

use crate::gaussian::{convolve, kernel};

/// How far the kernel reaches for images of bytes, in standard deviations.
const REACH: f64 = 3.0;

/// A blurred image, in the fixed-point numbers of OpenCV: weights in units of 1/256, and one rounding at the end.
pub fn blur(image: &Image, sigma: f64) -> Image {
    let (width, height) = (image.width, image.height);
    let bytes: Vec<i32> = image.rgb.iter().map(|byte| i32::from(*byte)).collect();
    let sums = convolve(&bytes, width, height, &in_256ths(&kernel(sigma, REACH)));
    let byte = |sum: i32| ((sum + (1 << 15)) >> 16).clamp(0, 255) as u8;
    Image { width, height, rgb: sums.into_iter().map(byte).collect() }
}

/// Rounds symmetric weights so that their sum remains 1: each takes over the error of the one before, and the middle the rest.
fn in_256ths(kernel: &[f64]) -> Vec<i32> {
    let middle = kernel.len() / 2;
    let mut error = 0.0;
    let mut weights: Vec<i32> = Vec::with_capacity(kernel.len());
    for weight in &kernel[..middle] {
        let wanted = weight * 256.0 + error;
        let rounded = wanted.round_ties_even();
        error = wanted - rounded;
        weights.push(rounded as i32);
    }
    let mirrored: Vec<i32> = weights.iter().rev().copied().collect();
    weights.push(256 - 2 * weights.iter().sum::<i32>());
    weights.extend(mirrored);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_weights_are_symmetric_and_sum_to_256() {
        for sigma in [0.01, 0.5, 1.0, 3.3, 9.0, 64.0] {
            let weights = in_256ths(&kernel(sigma, REACH));
            assert_eq!(weights.iter().sum::<i32>(), 256, "{sigma}");
            assert!(weights.iter().eq(weights.iter().rev()), "{sigma}");
        }
        assert_eq!(in_256ths(&kernel(1.0, REACH)), [1, 14, 62, 102, 62, 14, 1]);
    }

    #[test]
    fn an_edge_becomes_the_integral_of_the_bell() {
        let rgb = (0..240).map(|i| if i < 120 { 0 } else { 255 }).collect();
        let blurred = blur(&Image { width: 80, height: 1, rgb }, 4.0);
        // The edge is 3.5 pixels away, which is 0.875 standard deviations: 80.9 % of the bell.
        assert!(blurred.rgb[3 * 43].abs_diff(206) <= 2, "{}", blurred.rgb[3 * 43]);
        assert!(blurred.rgb.is_sorted() && blurred.rgb[60] == 0 && blurred.rgb[180] == 255);
    }
}
