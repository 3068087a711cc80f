//! Guidance against closed forms, and what must never change.

mod composition;
mod gaussians;
mod images;
mod numbers;
mod off;
mod paths;
mod steps;

use burn::tensor::{Device, Tensor, TensorData};
use sd_guidance::{Coefficients, Guidance, GuidanceState, Predictions, Step};
use sd_samplers::TorchNoise;

/// The denoised image is the prediction itself.
const X0: Coefficients = Coefficients { skip: 0.0, out: 1.0 };

/// The first of a few steps.
const STEP: Step = Step { index: 0, steps: 4, from: 2.0, to: 1.0 };

const SHAPE: [usize; 4] = [2, 3, 6, 5];

/// Random images in single precision.
fn noise(seed: u64) -> Tensor<4> {
    let values = TorchNoise::new(seed).randn(SHAPE.iter().product());
    Tensor::from_data(TensorData::new(values, SHAPE), &Device::flex())
}

/// Predictions for the prompt and the negative prompt.
fn predictions(prompt: &Tensor<4>, negative: &Tensor<4>) -> Predictions {
    Predictions { negative: Some(negative.clone()), ..Predictions::of_prompt(prompt.clone()) }
}

/// What guidance makes of the predictions of denoised images at the first step.
fn guided(guidance: &Guidance, predictions: Predictions) -> Tensor<4> {
    let x = predictions.prompt[0].prediction.zeros_like();
    guidance.combine(&STEP, &mut GuidanceState::default(), predictions, X0, &x)
}

fn values(x: &Tensor<4>) -> Vec<f64> {
    x.to_data().convert::<f64>().try_to_vec().expect("they were converted")
}

fn assert_close(found: &Tensor<4>, expected: &Tensor<4>, tolerance: f64) {
    assert_eq!(found.dims(), expected.dims());
    let largest = values(found).iter().zip(values(expected)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(largest <= tolerance, "they differ by {largest:e}");
}

/// The same bits.
fn assert_same(found: &Tensor<4>, expected: &Tensor<4>) {
    assert_eq!(found.to_data(), expected.to_data());
}
