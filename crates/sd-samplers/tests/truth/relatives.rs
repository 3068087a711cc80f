//! Samplers that equal one another in special cases, and noise that must not be drawn. Everything is computed in f64.

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_samplers::{
    Churn, Ddim, DenoiseError, Dpm2, Dpm2Ancestral, Euler, EulerAncestral, Heun, Ipndm, Lms, Noise, Restart, Sampler,
    Spndm, TorchNoise, sample,
};
use sd_schedule::NoiseLevels;

/// The exact denoiser of Gaussian data N(0.4, 0.5²).
pub fn denoise(x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
    Ok((x * 0.25 + 0.4 * sigma * sigma) / (0.25 + sigma * sigma))
}

fn levels(sigmas: &[f64]) -> NoiseLevels {
    NoiseLevels::new(sigmas.to_vec()).unwrap()
}

fn unequal() -> NoiseLevels {
    levels(&[14.0, 8.0, 5.0, 2.0, 0.9, 0.3, 0.08, 0.0])
}

/// Draws from a fixed start; also the levels at which the model was called.
fn draw(sampler: impl Sampler, levels: &NoiseLevels, mut noise: impl Noise) -> (Vec<f64>, Vec<f64>) {
    let start = TensorData::new(vec![-20.0, -3.0, 0.0, 7.0, 15.0], [1, 1, 1, 5]);
    let start = Tensor::from_data(start, (&Device::flex(), DType::F64));
    let mut seen = Vec::new();
    let mut model = |x, sigma| {
        seen.push(sigma);
        denoise(x, sigma)
    };
    let end = sample(&sampler, &mut model, &mut noise, start, levels).unwrap();
    assert_eq!(seen.len(), sampler.calls(levels), "calls");
    (end.into_data().try_to_vec().unwrap(), seen)
}

fn assert_same(a: impl Sampler, b: impl Sampler, levels: &NoiseLevels, what: &str) {
    let (a, b) = (draw(a, levels, TorchNoise::new(1)).0, draw(b, levels, TorchNoise::new(1)).0);
    // Some compute the same in another order.
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12), "{what}: {a:?} and {b:?}");
}

#[test]
fn some_samplers_equal_others_in_a_special_case() {
    let all = &unequal();
    assert_same(Euler::new(Churn::none()), Ddim::new(0.0), all, "Euler and DDIM");
    assert_same(EulerAncestral::new(0.7, 1.0), Ddim::new(0.7), all, "Euler a and DDIM with eta");
    assert_same(Dpm2Ancestral::new(0.0, 1.0), Dpm2::new(Churn::none()), all, "DPM2 a with eta 0 and DPM2");
    assert_same(Restart::new(0.1, 2.0, 9, 0), Heun::new(Churn::none()), all, "Restart, 0 times, and Heun");
    assert_same(Lms::new(1), Euler::new(Churn::none()), all, "LMS of order 1 and Euler");
    assert_same(Ipndm::new(2), Spndm, &levels(&[14.0, 0.0]), "one step to level 0");
    assert_same(Spndm, Heun::new(Churn::none()), &levels(&[14.0, 8.0]), "the first step of S-PNDM and Heun");
    let equal = levels(&[14.0, 12.0, 10.0, 8.0, 6.0, 4.0, 2.0, 0.0]);
    for order in 1..=4 {
        assert_same(Ipndm::new(order), Lms::new(order), &equal, "iPNDM and LMS where steps are equal");
    }
}

/// Noise that fails the test.
struct Unwanted;

impl Noise for Unwanted {
    fn start(&mut self, _: &Tensor<4>) -> Tensor<4> {
        panic!("noise to start from");
    }

    fn draw(&mut self, _: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        panic!("noise for {from} to {to}");
    }
}

#[test]
fn unused_noise_is_not_drawn() {
    let silent = Churn { s_churn: 5.0, s_noise: 0.0, ..Churn::none() };
    let outside = Churn { s_churn: 5.0, s_tmin: 20.0, ..Churn::none() };
    for churn in [Churn::none(), silent, outside] {
        draw(Euler::new(churn), &unequal(), Unwanted);
        draw(Heun::new(churn), &unequal(), Unwanted);
        draw(Dpm2::new(churn), &unequal(), Unwanted);
    }
    draw(EulerAncestral::new(0.0, 1.0), &unequal(), Unwanted);
    draw(Dpm2Ancestral::new(1.0, 0.0), &unequal(), Unwanted);
    let last = levels(&[0.1, 0.0]);
    draw(EulerAncestral::new(1.0, 1.0), &last, Unwanted);
    draw(Dpm2Ancestral::new(1.0, 1.0), &last, Unwanted);
    draw(Restart::default(), &levels(&[1.9, 0.5, 0.05, 0.0]), Unwanted);
}

#[test]
fn a_restart_goes_back_up_once_its_lower_level_is_passed() {
    let restart = Restart::new(0.1, 2.0, 2, 2);
    // Evenly spaced in the seventh root.
    let middle = |bottom: f64| ((2f64.powf(1.0 / 7.0) + bottom.powf(1.0 / 7.0)) / 2.0).powi(7);
    let assert_walk = |sigmas: &[f64], expected: &[f64]| {
        let seen = draw(restart.clone(), &levels(sigmas), TorchNoise::new(1)).1;
        assert!(seen.len() == expected.len(), "{seen:?} instead of {expected:?}");
        assert!(seen.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{seen:?} instead of {expected:?}");
    };
    let m = middle(0.04);
    assert_walk(&[5.0, 1.0, 0.04, 0.0], &[5.0, 1.0, 1.0, 0.04, 2.0, m, m, 0.04, 2.0, m, m, 0.04, 0.04]);
    let m = middle(0.1);
    assert_walk(&[2.0, 0.1, 0.0], &[2.0, 0.1, 2.0, m, m, 0.1, 2.0, m, m, 0.1, 0.1]);
    // Level 0 is reached from the lower level of the restart.
    assert_walk(&[2.5, 0.2, 0.0], &[2.5, 0.2, 0.2, 2.0, 0.1, 0.1, 2.0, 0.1, 0.1]);
    assert_walk(&[5.0, 1.0, 0.2], &[5.0, 1.0, 1.0, 0.2]);
    assert_walk(&[1.9, 0.04, 0.0], &[1.9, 0.04, 0.04]);
}

/// Mean and variance of 200 000 images, against the data's own.
#[test]
fn restarts_correct_earlier_errors() {
    // Eight steps, too few for Heun to be accurate.
    let sigmas: Vec<f64> = (0..8).map(|i| 14.0 * (1.0 - f64::from(i) / 8.0).powi(3)).chain([0.0]).collect();
    let levels = levels(&sigmas);
    let off = |sampler: Box<dyn Sampler>| {
        let mut noise = TorchNoise::new(5);
        let zeros = TensorData::new(vec![0.0; 200_000], [1, 1, 1, 200_000]);
        let start = noise.start(&Tensor::from_data(zeros, (&Device::flex(), DType::F64))) * levels.first();
        let end = sample(&sampler, &mut denoise, &mut noise, start, &levels).unwrap();
        let end: Vec<f64> = end.into_data().try_to_vec().unwrap();
        let mean = end.iter().sum::<f64>() / end.len() as f64;
        let variance = end.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / end.len() as f64;
        ((mean - 0.4).abs(), (variance - 0.25).abs())
    };
    let (mean, variance) = off(Box::new(Heun::new(Churn::none())));
    assert!(mean > 0.015 && variance > 0.07, "Heun is off by {mean} and {variance}");
    // Four standard errors of the mean. Those of the variance are 0.003; the steps inside leave the rest.
    let (mean, variance) = off(Box::<Restart>::default());
    assert!(mean < 0.0045 && variance < 0.015, "Restart is off by {mean} and {variance}");
}
