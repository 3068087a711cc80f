//! Bytes of pixels to the values that networks see, and back.

use crate::Image;

/// Converts the bytes of an image, red, green and blue of each pixel, into a plane for each colour.
///
/// # Shapes
///
/// - `rgb`: `[height, width, 3]`
/// - output: `[3, height, width]`, from −1 to 1
pub fn planes(rgb: &[u8]) -> impl Iterator<Item = f32> + '_ {
    (0..3).flat_map(|colour| rgb.iter().skip(colour).step_by(3).map(|byte| f32::from(*byte) / 127.5 - 1.0))
}

impl Image {
    /// Returns the red, the green and the blue plane, each row by row: `[3, height, width]`, from −1 to 1.
    pub fn to_planes(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.rgb.len());
        values.extend(planes(&self.rgb));
        values
    }

    /// Makes an image of planes: `[3, height, width]`, from −1 to 1. Values outside are clipped, and halves are rounded to
    /// even. NaN becomes black.
    ///
    /// # Panics
    ///
    /// Panics if the number of values is another.
    pub fn from_planes(planes: &[f32], width: usize, height: usize) -> Self {
        let size = width * height;
        assert_eq!(planes.len(), 3 * size, "values of an image of {width}×{height}");
        let byte = |value: f32| ((value / 2.0 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8;
        Self { width, height, rgb: (0..3 * size).map(|i| byte(planes[i % 3 * size + i / 3])).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_pixels_and_out_of_range_is_clipped() {
        let image = Image::from_planes(&[-1.0, 1.0, 0.0, 3.0, 0.5, -9.0], 2, 1);
        assert_eq!((image.width, image.height), (2, 1));
        assert_eq!(image.rgb, [0, 128, 191, 255, 255, 0]);
    }

    #[test]
    fn bytes_become_planes_from_minus_one_to_one() {
        let rgb = [0, 255, 51, 255, 0, 102, 0, 0, 0, 0, 0, 0];
        let found: Vec<f32> = planes(&rgb).collect();
        assert_eq!((found[0], found[1], found[4], found[5]), (-1.0, 1.0, 1.0, -1.0));
        assert!((found[8] + 0.6).abs() < 1e-6 && (found[9] + 0.2).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn every_byte_comes_back_from_its_value() {
        let image =
            Image { width: 16, height: 16, rgb: (0..=255).flat_map(|byte| [byte, 255 - byte, byte / 2]).collect() };
        assert_eq!(Image::from_planes(&image.to_planes(), 16, 16), image);
    }
}
