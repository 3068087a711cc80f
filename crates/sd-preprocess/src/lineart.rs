use sd_image::Image;

use crate::difference::{blurred, darker, values};

/// The standard deviation of the blur that the image is compared with, in pixels.
const AROUND: f64 = 6.0;
/// Differences up to this are paper.
const PAPER: f32 = 8.0;
/// The least difference that lines are taken to have.
const FAINTEST: f32 = 16.0;

/// White lines on black where the image is darker than around it. The middle one of their brightnesses is 127.
pub fn lines(image: &Image) -> Image {
    let (fine, coarse) = (values(image), blurred(image, AROUND));
    let depths: Vec<f32> = darker(&fine, &coarse).map(|depth| depth.clamp(0.0, 255.0)).collect();
    let lines = depths.iter().copied().filter(|depth| *depth > PAPER);
    let usual = median(lines.collect()).unwrap_or(FAINTEST).max(FAINTEST);
    let greys = depths.iter().flat_map(|depth| [(depth / usual * 127.0) as u8; 3]);
    Image { width: image.width, height: image.height, rgb: greys.collect() }
}

/// The middle value; of two middle ones, the mean.
fn median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some((values[last / 2] + values[last.div_ceil(2)]) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!((median(vec![7.0]), median(vec![])), (Some(7.0), None));
    }
}
