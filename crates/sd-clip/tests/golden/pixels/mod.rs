//! Images as `CLIPImageProcessor` prepares them, to the last bit.

use std::path::Path;

use burn::tensor::Device;
use sd_clip::ClipVisionConfig;
use sd_clip::sd_image::Image;
use sd_golden::relative_difference;

/// The pattern of `make.py`, whose bytes overflow.
fn pattern(width: usize, height: usize) -> Image {
    let pixel = |x: usize, y: usize| [3 * x + 5 * y, x * y / 7, 11 * x + y * y / 3].map(|value| value as u8);
    let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Image { width, height, rgb }
}

/// An image with the first colour of another one.
fn grey(image: Image) -> Image {
    Image { rgb: image.rgb.chunks(3).flat_map(|pixel| [pixel[0]; 3]).collect(), ..image }
}

/// Compares every `step`th pixel of every `step`th row of an image with `image_size` rows.
fn check(image: &Image, image_size: usize, step: usize, key: &str) {
    let config = ClipVisionConfig { image_size, ..ClipVisionConfig::vit_h() };
    // An image before it, of another size.
    let found = config.pixels(&[pattern(3, 2), image.clone()], &Device::flex());
    assert_eq!(found.dims(), [2, 3, image_size, image_size]);
    let found: Vec<f32> = found.narrow(0, 1, 1).into_data().try_to_vec().unwrap();
    let rows = found.chunks(image_size).step_by(step);
    let kept: Vec<f32> = rows.flat_map(|row| row.iter().step_by(step).copied()).collect();
    let shape = [3, image_size.div_ceil(step), image_size.div_ceil(step)];
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pixels/pixels.safetensors");
    assert_eq!(relative_difference(&kept, &shape, &expected, key), 0.0, "{key}");
}

#[test]
fn images_of_every_proportion_are_the_references() {
    let sizes = [
        (224, 224),
        (300, 201),
        (201, 299),
        (225, 1001),
        (1001, 225),
        (640, 427),
        (333, 500),
        (1024, 768),
        (50, 37),
        (1, 5),
        (223, 224),
    ];
    for (width, height) in sizes {
        check(&pattern(width, height), 224, 16, &format!("{width}x{height}"));
    }
}

#[test]
fn a_grey_image_is_the_references() {
    check(&grey(pattern(90, 61)), 224, 16, "grey");
}

#[test]
fn an_encoder_of_another_size_gets_images_of_that() {
    check(&pattern(100, 71), 32, 1, "32");
}

#[test]
fn every_byte_has_the_references_value() {
    let rgb = (0..=255).flat_map(|byte| [byte; 3]).collect();
    check(&Image { width: 16, height: 16, rgb }, 16, 1, "bytes");
}
