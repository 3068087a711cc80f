//! Classifier-free guidance of Gaussian data follows the density `Π densityᵉˣᵖᵒⁿᵉⁿᵗ`, which is Gaussian.

use burn::tensor::{Device, Tensor};
use sd_exact::{Gaussian, images, points};
use sd_guidance::{Coefficients, Guidance, GuidanceState, Part, Predictions};
use sd_samplers::Denoiser;
use sd_schedule::Prediction;

use crate::STEP;

const SIGMA: f64 = 0.8;
const X: [f64; 3] = [-1.3, 0.2, 2.5];

/// Data with one coordinate.
#[derive(Clone, Copy)]
struct Data {
    mean: f64,
    std: f64,
}

const NEGATIVE: Data = Data { mean: -0.5, std: 1.5 };
const PROMPT: Data = Data { mean: 0.7, std: 0.6 };
const OTHER: Data = Data { mean: 1.9, std: 0.9 };

impl Data {
    /// The raw prediction for `X` in the network's terms.
    fn raw(self, Coefficients { skip, out }: Coefficients) -> Tensor<4> {
        let data = Gaussian { mean: vec![self.mean], std: vec![self.std] };
        let denoised = data.denoiser().denoise(x(), SIGMA).unwrap();
        (denoised - x() * skip) / out
    }
}

fn x() -> Tensor<4> {
    images(&X.map(|x| [x]), &Device::flex())
}

/// The denoised `X` for the product of the noisy densities with these exponents: `x + sigma²·∇log density`.
fn product(densities: &[(f64, Data)]) -> Vec<f64> {
    let score = |x: f64| -> f64 {
        densities.iter().map(|(exponent, data)| exponent * (data.mean - x) / (data.std.powi(2) + SIGMA.powi(2))).sum()
    };
    X.iter().map(|x| x + SIGMA * SIGMA * score(*x)).collect()
}

fn assert_follows(guidance: &Guidance, parts: &[(f64, Data)], densities: &[(f64, Data)]) {
    for prediction in [Prediction::Eps, Prediction::V, Prediction::X0, Prediction::Flow] {
        let coefficients: Coefficients = prediction.coefficients(SIGMA).into();
        let part = |&(weight, data): &(f64, Data)| Part { prediction: data.raw(coefficients), weight };
        let predictions = Predictions {
            negative: Some(NEGATIVE.raw(coefficients)),
            prompt: parts.iter().map(part).collect(),
            ..Predictions::of_prompt(x())
        };
        let raw = guidance.combine(&STEP, &mut GuidanceState::default(), predictions, coefficients, &x());
        let found = points::<1>(x() * coefficients.skip + raw * coefficients.out);
        for ([found], wanted) in found.iter().zip(product(densities)) {
            assert!((found - wanted).abs() < 1e-9, "{prediction:?}: {found}, not {wanted}");
        }
    }
}

#[test]
fn classifier_free_guidance_follows_the_prompts_density_over_the_negative_one() {
    let guidance = Guidance { scale: 3.5, ..Guidance::default() };
    assert_follows(&guidance, &[(1.0, PROMPT)], &[(-2.5, NEGATIVE), (3.5, PROMPT)]);
}

#[test]
fn composed_prompts_follow_the_product_of_their_densities() {
    let guidance = Guidance { scale: 2.0, ..Guidance::default() };
    let parts = [(0.9, PROMPT), (-0.4, OTHER)];
    assert_follows(&guidance, &parts, &[(0.0, NEGATIVE), (1.8, PROMPT), (-0.8, OTHER)]);
    // A scale below 1 counts as it is, as in AUTOMATIC1111.
    let guidance = Guidance { scale: 0.5, ..Guidance::default() };
    assert_follows(&guidance, &parts, &[(0.75, NEGATIVE), (0.45, PROMPT), (-0.2, OTHER)]);
}

#[test]
fn a_scale_of_1_and_below_is_the_prompts_own_density() {
    for scale in [1.0, 0.3, 0.0, -2.0] {
        let guidance = Guidance { scale, ..Guidance::default() };
        assert_follows(&guidance, &[(1.0, PROMPT)], &[(1.0, PROMPT)]);
    }
}
