use sd_image::Image;

/// White where all colours of a pixel are above `level`, elsewhere black.
pub fn threshold(image: &Image, level: u8) -> Image {
    let of_pixel = |pixel: &[u8]| [if pixel.iter().all(|byte| *byte > level) { 255 } else { 0 }; 3];
    Image { width: image.width, height: image.height, rgb: image.rgb.chunks_exact(3).flat_map(of_pixel).collect() }
}

/// Each byte less than 255 by as much as before more than 0.
pub fn invert(image: &Image) -> Image {
    Image { width: image.width, height: image.height, rgb: image.rgb.iter().map(|byte| 255 - byte).collect() }
}
