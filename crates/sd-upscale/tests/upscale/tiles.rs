//! Images in tiles and bands, against the same as a whole.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor};
use sd_golden::noise;
use sd_upscale::{DType, Image, Tile, UpscaleError};

use crate::upscaler;

/// A smooth image with some noise.
fn image(width: usize, height: usize) -> Image {
    let device = Device::flex();
    let pixels: Tensor<4> = noise("tiles", [1, 3, height, width], &device) * 0.1;
    Image::from_planes(&pixels.into_data().try_to_vec::<f32>().unwrap(), width, height)
}

fn go_on(_: sd_upscale::Parts) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn an_image_in_tiles_is_the_same_as_a_whole() {
    // What these networks' pixels depend on is within the margins, or counts little beyond them.
    for name in ["old-x2", "new-x2", "new-x1", "compact-x4"] {
        let (upscaler, image) = (upscaler(name, &Device::flex()), image(150, 140));
        let whole = upscaler.upscale(&image, Tile::Whole, &mut go_on).unwrap();
        let tiled = upscaler.upscale(&image, Tile::Side(128), &mut go_on).unwrap();
        assert_eq!((tiled.width, tiled.height), (150 * upscaler.scale(), 140 * upscaler.scale()));
        let differences = whole.rgb.iter().zip(&tiled.rgb).map(|(a, b)| a.abs_diff(*b));
        assert!(differences.max() <= Some(1), "{name}");
    }
}

#[test]
fn each_part_is_reported_and_can_be_the_last() {
    let (upscaler, image) = (upscaler("old-x4", &Device::flex()), image(150, 20));
    let mut seen = Vec::new();
    upscaler
        .upscale(&image, Tile::Side(128), &mut |parts| {
            seen.push((parts.done, parts.total));
            ControlFlow::Continue(())
        })
        .unwrap();
    // Two tiles, each of two blocks and the enlargement.
    assert_eq!(seen, (1..=6).map(|done| (done, 6)).collect::<Vec<_>>());
    let stop = &mut |parts: sd_upscale::Parts| match parts.done {
        2 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let error = upscaler.upscale(&image, Tile::Side(128), stop).unwrap_err();
    assert!(matches!(error, UpscaleError::Cancelled { done: 2, total: 6 }), "{error}");
}

#[test]
fn what_cannot_be_enlarged_is_refused_before_any_work() {
    let (_folder, file) = crate::network("old-x4");
    let config = sd_upscale::Upscaler::open(&file).unwrap();
    let error = config.config().check(10, 10, Tile::Side(127)).unwrap_err().to_string();
    assert_eq!(error, "`tile` 127: too small for tiles that overlap, expected at least 128, or 0 for the whole image");
    let error = config.config().check(usize::MAX / 2, 10, Tile::Auto).unwrap_err().to_string();
    assert!(error.contains("more than 500 million: use a smaller `scale`"), "{error}");
    let (small, large) =
        (config.memory(64, 64, Tile::Auto, DType::F32), config.memory(4096, 4096, Tile::Auto, DType::F32));
    assert!(small < large && large < config.memory(4096, 4096, Tile::Whole, DType::F32));
}
