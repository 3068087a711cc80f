//! Guided predictions; `make.py` made them.

use burn::tensor::{Device, Tensor, TensorData};
use sd_guidance::{Apg, Coefficients, Guidance, GuidanceState, Predictions, Step, Threshold, degrade};
use serde::Deserialize;

const SHAPE: [usize; 4] = [2, 2, 6, 5];
const STEP: Step = Step { index: 0, steps: 4, from: 2.0, to: 1.0 };
/// The denoised image is the prediction itself.
const X0: Coefficients = Coefficients { skip: 0.0, out: 1.0 };

#[derive(Deserialize)]
struct Golden {
    prompt: Vec<f32>,
    negative: Vec<f32>,
    empty: Vec<f32>,
    second: Vec<f32>,
    apg: Vec<Projected>,
    rescale: Vec<Rescaled>,
    threshold: Vec<Thresholded>,
    perpendicular: Vec<Perpendicular>,
    attention: Vec<f32>,
    degrade: Vec<Degraded>,
}

#[derive(Deserialize)]
struct Projected {
    eta: f64,
    norm: Option<f64>,
    momentum: f64,
    images: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Rescaled {
    share: f64,
    image: Vec<f32>,
}

#[derive(Deserialize)]
struct Thresholded {
    percentile: f64,
    mimic: f64,
    image: Vec<f32>,
}

#[derive(Deserialize)]
struct Perpendicular {
    weight: f64,
    image: Vec<f32>,
}

#[derive(Deserialize)]
struct Degraded {
    shape: [usize; 4],
    denoised: Vec<f32>,
    image: Vec<f32>,
}

impl Golden {
    fn read() -> Self {
        serde_json::from_str(include_str!("formulas.json")).unwrap()
    }

    /// Predictions for the prompt, the negative and the empty prompt.
    fn predictions(&self, prompt: &[f32]) -> Predictions {
        Predictions {
            negative: Some(tensor(&self.negative, SHAPE)),
            empty: Some(tensor(&self.empty, SHAPE)),
            ..Predictions::of_prompt(tensor(prompt, SHAPE))
        }
    }
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

fn guidance() -> Guidance {
    Guidance { scale: 7.5, ..Guidance::default() }
}

fn combine(guidance: &Guidance, state: &mut GuidanceState, predictions: Predictions) -> Tensor<4> {
    guidance.combine(&STEP, state, predictions, X0, &Tensor::zeros(SHAPE, &Device::flex()))
}

fn assert_close(found: Tensor<4>, expected: &[f32], what: &str) {
    let found = found.into_data().try_to_vec::<f32>().unwrap();
    let largest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(found.len() == expected.len() && largest < 2e-5, "{what}: {largest:e}");
}

#[test]
fn adaptive_projection_is_that_of_diffusers_call_after_call() {
    let golden = Golden::read();
    for Projected { eta, norm, momentum, images } in &golden.apg {
        let apg = Apg { eta: *eta, norm: *norm, momentum: *momentum };
        let (guidance, mut state) = (Guidance { apg: Some(apg), ..guidance() }, GuidanceState::default());
        for (prompt, image) in [&golden.prompt, &golden.second].into_iter().zip(images) {
            let found = combine(&guidance, &mut state, golden.predictions(prompt));
            assert_close(found, image, &format!("{apg:?}"));
        }
    }
}

#[test]
fn rescaling_is_that_of_diffusers() {
    let golden = Golden::read();
    for Rescaled { share, image } in &golden.rescale {
        let guidance = Guidance { rescale: *share, ..guidance() };
        let found = combine(&guidance, &mut GuidanceState::default(), golden.predictions(&golden.prompt));
        assert_close(found, image, &format!("{share}"));
    }
}

#[test]
fn thresholding_finds_the_quantiles_of_torch() {
    let golden = Golden::read();
    for Thresholded { percentile, mimic, image } in &golden.threshold {
        let threshold = Threshold { percentile: *percentile, mimic: *mimic };
        let guidance = Guidance { threshold: Some(threshold), ..guidance() };
        let found = combine(&guidance, &mut GuidanceState::default(), golden.predictions(&golden.prompt));
        assert_close(found, image, &format!("{threshold:?}"));
    }
}

#[test]
fn perpendicular_negative_prompts_are_those_of_comfyui_image_by_image() {
    let golden = Golden::read();
    for Perpendicular { weight, image } in &golden.perpendicular {
        let guidance = Guidance { perpendicular: Some(*weight), ..guidance() };
        let found = combine(&guidance, &mut GuidanceState::default(), golden.predictions(&golden.prompt));
        assert_close(found, image, &format!("{weight}"));
    }
}

#[test]
fn images_are_degraded_as_in_diffusers() {
    let golden = Golden::read();
    for Degraded { shape, denoised, image } in &golden.degrade {
        let found = degrade(tensor(denoised, *shape), tensor(&golden.attention, [2, 6, 5]));
        assert_close(found, image, &format!("{shape:?}"));
    }
}
