//! Every sampler with the built-in model and default options, judged by the classifier of `sd evaluate`.
//!
//! `classifier/` was made by `sd train-classifier --output classifier --steps 1000`.

use std::path::Path;

use sd_evaluate::{Classifier, Reading};
use sd_pipeline::{CATALOGUE, Device, Image};

use crate::{Run, stderr};

const PROMPT: &str = "a red house by the sea at sunset";

fn draw(run: &Run, flags: &[&str]) -> Vec<u8> {
    let output = run.sd(&[&["generate", "--device", "flex", "--prompt", PROMPT, "--seed", "3"], flags].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    Image::read(run.path("out.png")).unwrap().rgb
}

/// The first steps, from pure noise, decide what is drawn where. Averaging two slopes over them once turned the whole image
/// into noise, 78 to 103 of 255 off.
#[test]
fn every_sampler_draws_the_requested_place_and_time() {
    let (run, folder) = (Run::new(), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/classifier"));
    let classifier = Classifier::from_folder(&folder, &Device::flex()).unwrap();
    let read = |rgb: &[u8]| -> Reading { classifier.read(&[rgb]).remove(0) };
    let converged = draw(&run, &["--sampler", "ddim", "--steps", "100"]);
    let wanted = read(&converged).scene;
    let mut failures = Vec::new();
    for name in CATALOGUE.iter().map(|entry| entry.name) {
        let drawn = draw(&run, &["--sampler", name]);
        let seen = read(&drawn).scene;
        let differences = drawn.iter().zip(&converged).map(|(a, b)| f64::from(a.abs_diff(*b)));
        let mean = differences.sum::<f64>() / converged.len() as f64;
        // Stochastic samplers draw different images of the same scene, at most 18 off.
        if (seen.place, seen.time) != (wanted.place, wanted.time) || mean > 30.0 {
            failures.push(format!("{name}: {:?} in {:?}, mean {mean:.1} of 255 off", seen.time, seen.place));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
