use sd_image::Image;

use crate::difference::{blurred, darker};

/// Standard deviations of the two Gaussians, in pixels.
const FINE: f64 = 0.5;
const COARSE: f64 = 5.0;

/// White strokes on black where the image is darker than around it.
///
/// AUTOMATIC1111 doubles the difference in 8 bits, so that differences of 128 to 143 come out as small ones and leave holes in the
/// strongest strokes. Here they are strokes.
pub fn strokes(image: &Image, threshold: u8) -> Image {
    let (fine, coarse) = (blurred(image, FINE), blurred(image, COARSE));
    let strokes = darker(&fine, &coarse).flat_map(|difference| {
        let rest = (255.0 - difference).clamp(0.0, 255.0) as u8;
        [if 2 * u16::from(255 - rest) > u16::from(threshold) { 255 } else { 0 }; 3]
    });
    Image { width: image.width, height: image.height, rgb: strokes.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bar, whose darkness passes through all values from faint to black.
    #[test]
    fn strong_strokes_have_no_holes() {
        let darkness = |i: usize| if (i / 200).abs_diff(15) < 2 { (i % 200) as u8 } else { 0 };
        let image = Image { width: 200, height: 31, rgb: (0..200 * 31).flat_map(|i| [255 - darkness(i); 3]).collect() };
        let strokes = strokes(&image, 32);
        let middle: Vec<u8> = strokes.rgb[3 * 200 * 15..][..600].iter().step_by(3).copied().collect();
        assert!(middle.is_sorted() && middle[10] == 0 && middle[60] == 255, "{middle:?}");
    }

    #[test]
    fn an_even_image_has_no_strokes_however_low_the_threshold() {
        let image = Image { width: 50, height: 40, rgb: [201, 99, 3].repeat(2000) };
        assert!(strokes(&image, 0).rgb.iter().all(|byte| *byte == 0));
    }
}
