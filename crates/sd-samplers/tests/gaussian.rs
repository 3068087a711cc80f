//! Samplers against exact answers: Gaussian data, whose best denoiser and probability-flow path are known.
//!
//! For data N(m, s²) the denoiser is `(s²·x + sigma²·m)/(s² + sigma²)`, and the path from `x(sigma0)` is
//! `x(sigma) = m + (x(sigma0) − m)·sqrt((s² + sigma²)/(s² + sigma0²))`. Everything is computed in f64.

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_samplers::{Ddim, Ddpm, Noise, Plms, Pndm, Sampler, Stop, TorchNoise, Variance, sample};
use sd_schedule::{BetaSchedule, NoiseLevels, NoiseSchedule, Prediction};

const MEAN: f64 = 0.4;
const SPREAD: f64 = 0.5;

fn schedule() -> NoiseSchedule {
    NoiseSchedule::from_betas(&BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap()).unwrap()
}

fn denoise(x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, Stop> {
    let (s2, n2) = (SPREAD * SPREAD, sigma * sigma);
    Ok((x * s2 + MEAN * n2) / (s2 + n2))
}

fn tensor(numbers: Vec<f64>) -> Tensor<4> {
    let shape = [1, 1, 1, numbers.len()];
    Tensor::from_data(TensorData::new(numbers, shape), (&Device::flex(), DType::F64))
}

/// `steps` noise levels evenly spaced in `t`, as samplers for trained networks see them, without rounding.
fn levels(steps: usize) -> NoiseLevels {
    let schedule = schedule();
    let t = |i: usize| 900.0 - 880.0 * i as f64 / steps as f64;
    NoiseLevels::new((0..=steps).map(|i| schedule.sigma(t(i))).collect()).unwrap()
}

/// Largest distance from the exact path's end.
fn error(sampler: impl Sampler, steps: usize) -> f64 {
    let levels = levels(steps);
    let start = vec![-20.0, -3.0, 0.0, 7.0, 15.0];
    let shrink = ((SPREAD.powi(2) + levels.last().powi(2)) / (SPREAD.powi(2) + levels.first().powi(2))).sqrt();
    let exact: Vec<f64> = start.iter().map(|x| MEAN + (x - MEAN) * shrink).collect();
    let drawn = sample(sampler, &mut denoise, &mut TorchNoise::new(0), tensor(start), &levels).unwrap();
    let drawn = drawn.into_data().try_to_vec::<f64>().unwrap();
    drawn.iter().zip(exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The slope of log error against log steps, by least squares over three doublings; with fewer steps the errors of the
/// start-up still show.
fn order<S: Sampler>(sampler: impl Fn() -> S) -> f64 {
    let points: Vec<(f64, f64)> =
        [160, 320, 640, 1280].iter().map(|&n| ((n as f64).ln(), error(sampler(), n).ln())).collect();
    let mean = |f: fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / points.len() as f64;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let slope = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>()
        / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>();
    println!("errors {:?}", points.iter().map(|p| p.1.exp()).collect::<Vec<_>>());
    -slope
}

fn assert_order<S: Sampler>(sampler: impl Fn() -> S, expected: f64) {
    let found = order(sampler);
    assert!((found - expected).abs() < 0.25, "order {found:.2} instead of {expected}");
}

#[test]
fn ddim_converges_at_order_one() {
    assert_order(|| Ddim::new(0.0), 1.0);
}

#[test]
fn plms_converges_at_order_two() {
    assert_order(|| Plms::new(Prediction::Eps), 2.0);
}

#[test]
fn pndm_converges_at_order_two() {
    assert_order(|| Pndm::new(schedule(), Prediction::Eps), 2.0);
}

/// What diffusers does with v-networks, and why the doc of `Plms` advises against it.
#[test]
fn blending_v_costs_plms_an_order() {
    assert_order(|| Plms::new(Prediction::V), 1.0);
}

/// Mean and variance of many pictures drawn with fresh noise, against the data's own.
fn assert_draws_the_data(sampler: impl Sampler, steps: usize, variance: f64, tolerance: f64) {
    let schedule = schedule();
    let t = |i: usize| 999.0 * (1.0 - i as f64 / steps as f64);
    let sigmas = (0..steps).map(|i| schedule.sigma(t(i))).chain([0.0]).collect();
    let levels = NoiseLevels::new(sigmas).unwrap();
    let mut noise = TorchNoise::new(1);
    let x = noise.draw(&tensor(vec![0.0; 20_000])) * levels.first();
    let drawn = sample(sampler, &mut denoise, &mut noise, x, &levels).unwrap();
    let drawn = drawn.into_data().try_to_vec::<f64>().unwrap();
    let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
    let found = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / drawn.len() as f64;
    println!("mean {mean:.4}, variance {found:.4}");
    // Four standard errors of the mean and of the variance of 20 000 numbers: 0.014 and 0.010.
    assert!((mean - MEAN).abs() < 0.015, "mean {mean}");
    assert!((found / variance - 1.0).abs() < tolerance, "variance {found} instead of {variance}");
}

#[test]
fn ancestral_sampling_draws_the_data_with_either_variance() {
    assert_draws_the_data(Ddpm::new(Variance::FixedSmall), 500, SPREAD * SPREAD, 0.05);
    assert_draws_the_data(Ddpm::new(Variance::FixedLarge), 500, SPREAD * SPREAD, 0.05);
    assert_draws_the_data(Ddim::new(0.5), 500, SPREAD * SPREAD, 0.05);
}

/// Few steps: the small variance draws too narrow a distribution, the large one too wide (Ho et al. 2020, section 3.2).
#[test]
fn with_few_steps_the_two_variances_lie_on_either_side_of_the_truth() {
    let draw = |variance| {
        let levels = levels(10);
        let mut noise = TorchNoise::new(2);
        let x = noise.draw(&tensor(vec![0.0; 20_000])) * levels.first();
        let drawn = sample(Ddpm::new(variance), &mut denoise, &mut noise, x, &levels).unwrap();
        let drawn = drawn.into_data().try_to_vec::<f64>().unwrap();
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / drawn.len() as f64
    };
    let truth = SPREAD.powi(2) + levels(10).last().powi(2);
    let (small, large) = (draw(Variance::FixedSmall), draw(Variance::FixedLarge));
    assert!(small < truth && truth < large, "{small} < {truth} < {large}");
}

#[test]
fn ddim_with_eta_one_is_ddpm_with_the_small_variance() {
    let draw = |sampler: Box<dyn Sampler>| {
        let x = TorchNoise::new(3).draw(&tensor(vec![0.0; 32])) * levels(10).first();
        sample(sampler, &mut denoise, &mut TorchNoise::new(4), x, &levels(10)).unwrap().into_data()
    };
    assert_eq!(draw(Box::new(Ddim::new(1.0))), draw(Box::new(Ddpm::new(Variance::FixedSmall))));
}

#[test]
fn samplers_call_the_network_as_often_as_they_say() {
    let samplers: [Box<dyn Sampler>; 4] = [
        Box::new(Ddim::new(0.0)),
        Box::new(Ddpm::new(Variance::FixedSmall)),
        Box::new(Plms::new(Prediction::Eps)),
        Box::new(Pndm::new(schedule(), Prediction::Eps)),
    ];
    for sampler in samplers {
        let (expected, mut calls) = (sampler.calls(7), 0);
        let mut counting = |x, sigma| {
            calls += 1;
            denoise(x, sigma)
        };
        sample(sampler, &mut counting, &mut TorchNoise::new(0), tensor(vec![1.0]), &levels(7)).unwrap();
        assert_eq!(calls, expected);
    }
}

#[test]
fn an_error_of_the_model_ends_the_sampling() {
    let mut failing =
        |_: Tensor<4>, sigma: f64| -> Result<Tensor<4>, Stop> { Err(format!("broken at {sigma:.1}").into()) };
    let stop =
        sample(Ddim::new(0.0), &mut failing, &mut TorchNoise::new(0), tensor(vec![1.0]), &levels(3)).unwrap_err();
    assert!(stop.to_string().starts_with("broken at"));
}
