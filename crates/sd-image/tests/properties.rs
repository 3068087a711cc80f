//! What holds for every image and every size.

use sd_image::{Filter, Fit, Image, Mask};

const FILTERS: [Filter; 5] = [Filter::Nearest, Filter::Box, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos];
const SIZES: [(usize, usize); 7] = [(1, 1), (1, 90), (7, 5), (16, 16), (33, 2), (24, 17), (61, 1)];

fn image(width: usize, height: usize, byte: impl Fn(usize) -> u8) -> Image {
    Image { width, height, rgb: (0..3 * width * height).map(byte).collect() }
}

fn noise(i: usize) -> u8 {
    ((i + 1).wrapping_mul(0x9E37_79B9) >> 13) as u8
}

fn fits() -> impl Iterator<Item = (Fit, Filter)> {
    Fit::NAMED.into_iter().flat_map(|(_, fit)| FILTERS.map(|filter| (fit, filter)))
}

#[test]
fn the_same_size_is_the_same_image() {
    for (width, height) in SIZES {
        let image = image(width, height, noise);
        let mask = Mask::from_luma(&image);
        for (fit, filter) in fits() {
            assert_eq!(image.fit(width, height, fit, filter), image, "{fit:?} {filter:?}");
            assert_eq!(mask.fit(width, height, fit, filter), mask, "{fit:?} {filter:?}");
        }
    }
}

#[test]
fn an_image_of_one_colour_keeps_it() {
    let colour = |i: usize| [0, 130, 255][i % 3];
    for (width, height) in SIZES {
        let plain = image(width, height, colour);
        for (new_width, new_height) in SIZES {
            for (fit, filter) in fits() {
                let found = plain.fit(new_width, new_height, fit, filter);
                assert_eq!(found, image(new_width, new_height, colour), "{width}×{height} {fit:?} {filter:?}");
            }
        }
        let mask = Mask::from_luma(&image(width, height, |_| 255)).invert();
        assert_eq!(plain.fill_blurred(&mask), plain);
    }
}

#[test]
fn a_turned_image_is_resized_alike() {
    let turned = |image: &Image| Image {
        rgb: image.rgb.chunks(3).rev().flatten().copied().collect(),
        width: image.width,
        height: image.height,
    };
    for (width, height) in SIZES {
        let image = image(width, height, noise);
        for filter in [Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
            let (one, other) = (image.resize(9, 14, filter), turned(&turned(&image).resize(9, 14, filter)));
            let largest = one.rgb.iter().zip(&other.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(largest <= 1, "{width}×{height} {filter:?}: {largest}");
        }
    }
}

#[test]
fn what_is_kept_keeps_its_bytes_when_the_rest_is_filled() {
    let image = image(50, 30, noise);
    let values = (0..1500).map(|i| if i % 50 > 20 { 255 } else { 0 }).collect();
    let mask = Mask { width: 50, height: 30, values };
    let filled = image.fill_blurred(&mask);
    assert_eq!(image.composite(&filled, &mask), filled);
    assert_ne!(filled, image);
}
