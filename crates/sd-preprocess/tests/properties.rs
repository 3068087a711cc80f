//! What holds for every image and every size.

use sd_image::{Fit, Image, Mask};
use sd_preprocess::Preprocessor;

const SIZES: [(usize, usize); 9] =
    [(1, 1), (1, 40), (40, 1), (2, 2), (3, 70), (63, 65), (64, 64), (65, 64), (100, 130)];

/// Bytes without a pattern (the last steps of SplitMix64).
fn noise(width: usize, height: usize) -> Image {
    let byte = |i: u64| {
        let mixed = (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed >> 56) as u8
    };
    Image { width, height, rgb: (0..3 * (width * height) as u64).map(byte).collect() }
}

/// Every preprocessor, with its usual numbers and with those at the ends of their ranges.
fn all() -> impl Iterator<Item = Preprocessor> {
    let ends = "canny:0:0 canny:0:255 canny:255:255 scribble:0 scribble:255 threshold:0 threshold:255 blur:0.001 blur:64 tile:1 \
                tile:64 luminance:0.001 luminance:10 intensity:0.001 intensity:10";
    let ends: Vec<Preprocessor> = ends.split_whitespace().map(|text| text.parse().unwrap()).collect();
    Preprocessor::ALL.into_iter().map(|entry| entry.default).chain(ends)
}

#[test]
fn every_size_is_kept() {
    for (width, height) in SIZES {
        for preprocessor in all() {
            let image = preprocessor.apply(&noise(width, height));
            assert_eq!((image.width, image.height), (width, height), "{preprocessor}");
            assert_eq!(image.rgb.len(), 3 * width * height, "{preprocessor}");
        }
    }
}

#[test]
fn hints_have_the_size_of_the_drawing() {
    let image = noise(50, 33);
    let mask = Mask::black(50, 33);
    for preprocessor in all() {
        for (_, fit) in Fit::NAMED {
            let mask = preprocessor.needs_mask().then_some(&mask);
            let hint = preprocessor.hint(&image, mask, 72, 24, fit).unwrap();
            assert_eq!((hint.image.width, hint.image.height), (72, 24), "{preprocessor}");
            let planes = hint.to_planes();
            assert_eq!(planes.len(), 3 * 72 * 24);
            assert!(planes.iter().all(|value| (0.0..=1.0).contains(value)), "{preprocessor}");
            assert_eq!(hint.to_image(), hint.image, "{preprocessor}");
        }
    }
}

#[test]
fn an_even_image_has_no_edges_and_no_lines_and_keeps_its_colour() {
    for (width, height) in SIZES {
        let plain = Image { width, height, rgb: [190, 40, 111].repeat(width * height) };
        let black = Image { width, height, rgb: vec![0; 3 * width * height] };
        for text in ["canny:0:0", "scribble:0", "lineart-standard"] {
            let preprocessor: Preprocessor = text.parse().unwrap();
            assert_eq!(preprocessor.apply(&plain), black, "{text} {width}×{height}");
        }
        for text in ["none", "blur:7.7", "tile:3", "colour", "inpaint"] {
            let preprocessor: Preprocessor = text.parse().unwrap();
            assert_eq!(preprocessor.apply(&plain), plain, "{text} {width}×{height}");
        }
    }
}

#[test]
fn what_has_been_done_once_needs_no_second_time() {
    for (width, height) in SIZES {
        for text in ["none", "threshold:90", "colour", "intensity", "tile:1", "inpaint"] {
            let preprocessor: Preprocessor = text.parse().unwrap();
            let once = preprocessor.apply(&noise(width, height));
            assert_eq!(preprocessor.apply(&once), once, "{text} {width}×{height}");
        }
    }
    let image = noise(31, 20);
    assert_eq!(Preprocessor::Invert.apply(&Preprocessor::Invert.apply(&image)), image);
    assert_ne!(Preprocessor::Invert.apply(&image), image);
}

/// Edges and lines do not depend on the order of the colours, and a mirrored blur is the blur of the mirrored image.
#[test]
fn no_colour_and_no_side_is_special() {
    let image = noise(45, 38);
    let mapped = |image: &Image, pixel: fn(&[u8]) -> [u8; 3]| Image {
        rgb: image.rgb.chunks(3).flat_map(pixel).collect(),
        ..image.clone()
    };
    let turned = |image: &Image| mapped(image, |pixel| [pixel[1], pixel[2], pixel[0]]);
    for text in ["scribble", "lineart-standard", "threshold", "intensity"] {
        let preprocessor: Preprocessor = text.parse().unwrap();
        assert_eq!(preprocessor.apply(&turned(&image)), preprocessor.apply(&image), "{text}");
    }
    for text in ["blur:3", "invert", "tile:2"] {
        let preprocessor: Preprocessor = text.parse().unwrap();
        assert_eq!(preprocessor.apply(&turned(&image)), turned(&preprocessor.apply(&image)), "{text}");
    }
    let upside_down =
        |image: &Image| Image { rgb: image.rgb.chunks(3).rev().flatten().copied().collect(), ..image.clone() };
    for text in ["blur:3", "scribble", "lineart-standard"] {
        let preprocessor: Preprocessor = text.parse().unwrap();
        assert_eq!(preprocessor.apply(&upside_down(&image)), upside_down(&preprocessor.apply(&image)), "{text}");
    }
}

#[test]
fn lower_thresholds_find_more() {
    let noise = noise(80, 60);
    let smooth = Preprocessor::Blur { sigma: 1.2 }.apply(&noise);
    let counts = |image: &Image, text: fn(u8) -> String| {
        [20, 60, 140, 255].map(|number| {
            let found = text(number).parse::<Preprocessor>().unwrap().apply(image);
            found.rgb.iter().filter(|byte| **byte == 255).count()
        })
    };
    for counts in [
        counts(&smooth, |low| format!("canny:{low}:255")),
        counts(&smooth, |high| format!("canny:20:{high}")),
        counts(&noise, |level| format!("threshold:{level}")),
        counts(&noise, |threshold| format!("scribble:{threshold}")),
    ] {
        assert!(counts.is_sorted_by(|a, b| a >= b) && counts[0] > counts[3], "{counts:?}");
    }
}
