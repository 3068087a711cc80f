//! Preprocessed images; `make.py` made them.

use std::path::Path;

use sd_image::Image;
use sd_preprocess::Preprocessor;
use serde_json::Value;

fn image(name: &str) -> Image {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/preprocessors");
    Image::read(folder.join(format!("{name}.png"))).unwrap()
}

#[test]
fn images_are_those_of_the_references() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let preprocessor: Preprocessor = case["preprocessor"].as_str().unwrap().parse().unwrap();
        let found = preprocessor.apply(&image(case["image"].as_str().unwrap()));
        let wanted = image(case["wanted"].as_str().unwrap());
        assert_eq!((found.width, found.height), (wanted.width, wanted.height), "{case}");
        let differences = found.rgb.iter().zip(&wanted.rgb).map(|(a, b)| u64::from(a.abs_diff(*b)));
        let largest = differences.clone().max().unwrap();
        if largest > case["tolerance"].as_u64().unwrap() {
            let count = differences.filter(|difference| *difference > 0).count();
            wrong.push(format!("{case}: {count} bytes differ, by up to {largest}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_preprocessor_with_arithmetic_has_a_case() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cases.json")).unwrap();
    let tested: Vec<_> = cases
        .iter()
        .map(|case| case["preprocessor"].as_str().unwrap().parse::<Preprocessor>().unwrap().entry().name)
        .collect();
    let without = Preprocessor::ALL.iter().map(|entry| entry.name).filter(|name| !tested.contains(name));
    assert_eq!(without.collect::<Vec<_>>(), ["none", "invert", "inpaint"]);
}
