//! Other sizes, byte for byte; `make.py` made them.

use std::path::Path;

use sd_image::{Filter, Fit, Image, Mask};
use serde_json::Value;

#[test]
fn sizes_change_as_in_pillow_and_diffusers() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
    let mut rest = &include_bytes!("wanted.bin")[..];
    for case in &cases {
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let (width, height, filter) = (number("width"), number("height"), filter(&case["filter"]));
        let part = case["part"].as_array().map(|part| [0, 1, 2, 3].map(|i| part[i].as_f64().unwrap() as f32));
        let fit: Option<Fit> = serde_json::from_value(case["fit"].clone()).unwrap();
        let image = source(&case["source"]);
        let found = if case["mode"] == "L" {
            let mask = Mask::from_luma(&image);
            let mask = match fit {
                Some(fit) => mask.fit(width, height, fit, filter),
                None => mask.resize(width, height, filter),
            };
            assert_eq!((mask.width, mask.height), (width, height), "{case}");
            mask.values
        } else {
            let image = match (fit, part) {
                (Some(fit), _) => image.fit(width, height, fit, filter),
                (None, Some(part)) => image.resize_part(part, width, height, filter),
                (None, None) => image.resize(width, height, filter),
            };
            assert_eq!((image.width, image.height), (width, height), "{case}");
            image.rgb
        };
        let (wanted, after) = rest.split_at(found.len());
        assert_eq!(found, wanted, "{case}");
        rest = after;
    }
    assert!(rest.is_empty() && cases.len() > 100);
}

fn source(name: &Value) -> Image {
    let name = format!("tests/golden/resizing/{}.png", name.as_str().unwrap());
    Image::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn filter(name: &Value) -> Filter {
    match name.as_str().unwrap() {
        "nearest" => Filter::Nearest,
        "box" => Filter::Box,
        "bilinear" => Filter::Bilinear,
        "bicubic" => Filter::Bicubic,
        "lanczos" => Filter::Lanczos,
        other => panic!("{other}"),
    }
}
