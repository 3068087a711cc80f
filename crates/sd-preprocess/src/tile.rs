use sd_image::{Filter, Image};

use crate::area::shrink;

/// An image without its details: made `factor` times smaller, and enlarged again.
///
/// AUTOMATIC1111's `tile_resample` makes the image smaller too, and enlarges it to the size of the drawing.
pub fn resample(image: &Image, factor: f64) -> Image {
    let smaller = |size: usize| ((size as f64 / factor) as usize).max(1);
    shrink(image, smaller(image.width), smaller(image.height)).resize(image.width, image.height, Filter::Lanczos)
}
