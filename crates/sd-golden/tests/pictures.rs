//! Whole pictures against diffusers, on every backend of this build.
//!
//! diffusers itself, with every weight changed by a relative 2e-6, draws these with a mean difference of 0.001 (of 255).

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

use std::path::Path;

use sd_golden::{Kind, TinyModel};
use sd_pipeline::{DType, Pipeline, Request, device_by_name, device_names};
use serde_json::Value;

fn request(case: &Value) -> Request {
    let number = |key: &str| case[key].as_f64().unwrap();
    Request {
        negative_prompt: case["negative"].as_str().map(str::to_string),
        width: Some(number("width") as usize),
        height: Some(number("height") as usize),
        sampler: Some(case["sampler"].as_str().unwrap().parse().unwrap()),
        steps: number("steps") as usize,
        guidance: Some(number("guidance")),
        eta: number("eta"),
        seed: number("seed") as u64,
        ..Request::new(case["prompt"].as_str().unwrap())
    }
}

fn pixels(file: &Path) -> Vec<u8> {
    let file = std::io::BufReader::new(std::fs::File::open(file).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

fn check(kind: Kind) {
    let (model, expected) = (TinyModel::new(kind), kind.data().join("expected"));
    let cases = std::fs::read_to_string(expected.join("cases.json")).unwrap();
    let cases: serde_json::Map<String, Value> = serde_json::from_str(&cases).unwrap();
    for (device, _) in device_names().filter(|(_, compiled)| *compiled) {
        let pipeline = Pipeline::from_folder(model.path(), &device_by_name(device).unwrap(), DType::F32).unwrap();
        let (most, largest) = if device == "flex" { (0.05, 2) } else { (0.2, 3) };
        for (name, case) in &cases {
            let found = pipeline.draw(&request(case)).unwrap().image.rgb;
            let expected = pixels(&expected.join(format!("{name}.png")));
            assert_eq!(found.len(), expected.len());
            let differences = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b));
            let mean = differences.clone().map(f64::from).sum::<f64>() / found.len() as f64;
            let max = differences.max().unwrap();
            println!("{device} {} {name}: mean {mean:.4}, largest {max}", kind.name());
            assert!(
                mean <= most && max <= largest,
                "{} {name} on {device}: mean {mean:.3}, largest {max}",
                kind.name()
            );
        }
    }
}

#[test]
fn pictures_of_a_tiny_sd1_are_those_of_diffusers() {
    check(Kind::Sd1);
}

#[test]
fn pictures_of_a_tiny_sd2_with_v_prediction_are_those_of_diffusers() {
    check(Kind::Sd2v);
}

#[test]
fn pictures_of_a_tiny_sdxl_are_those_of_diffusers() {
    check(Kind::Sdxl);
}
