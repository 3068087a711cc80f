//! Blurred masks, mixed and filled images, and regions; `make.py` made them.

use std::path::{Path, PathBuf};

use sd_image::{Image, Mask, Region};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/editing/{name}.png"))
}

fn image(name: &str) -> Image {
    Image::read(path(name)).unwrap()
}

fn mask(name: &str) -> Mask {
    Mask::read(path(name)).unwrap()
}

#[test]
fn masks_are_blurred_as_opencv_does() {
    for sigma in ["1", "2.5", "4", "20"] {
        let (found, wanted) = (mask("mask").blur(sigma.parse().unwrap()), mask(&format!("blurred-{sigma}")));
        let largest = found.values.iter().zip(&wanted.values).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(largest <= 2, "{sigma}: {largest}");
    }
}

#[test]
fn images_are_mixed_as_pillow_does() {
    assert_eq!(image("image").composite(&image("drawn"), &mask("blurred-4")), image("composite"));
}

#[test]
fn masked_parts_are_filled_with_the_colours_around_them() {
    assert_eq!(image("image").fill_blurred(&mask("mask")), image("filled"));
    assert_eq!(image("image").fill_blurred(&mask("blurred-4")), image("filled-softly"));
}

#[test]
fn regions_are_those_that_diffusers_crops() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("regions.json")).unwrap();
    for case in cases {
        let numbers = |key: &str| -> Vec<usize> { serde_json::from_value(case[key].clone()).unwrap() };
        let region = |key: &str| {
            let numbers = numbers(key);
            Region { left: numbers[0], top: numbers[1], right: numbers[2], bottom: numbers[3] }
        };
        let (size, drawn, processed) = (numbers("image"), region("box"), numbers("size"));
        let mut mask = Mask { width: size[0], height: size[1], values: vec![0; size[0] * size[1]] };
        let (width, height) = (drawn.width(), drawn.height());
        mask.paste(&Mask { width, height, values: vec![255; width * height] }, drawn.left, drawn.top);
        assert_eq!(mask.bounding_box(), Some(drawn), "{case}");
        let padding = case["padding"].as_u64().unwrap() as usize;
        assert_eq!(mask.crop_region(padding, processed[0], processed[1]), Some(region("region")), "{case}");
        mask.values.fill(0);
        assert_eq!(mask.crop_region(padding, processed[0], processed[1]), None);
    }
}
