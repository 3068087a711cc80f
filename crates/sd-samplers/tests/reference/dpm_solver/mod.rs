//! The DPM-Solver++ family against k-diffusion and diffusers, in f64: see `make.py`.

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

use burn::tensor::activation::sigmoid;
use burn::tensor::{Tensor, TensorData};
use sd_samplers::{
    DenoiseError, Dpmpp2m, Dpmpp2mSde, Dpmpp2sAncestral, Dpmpp3mSde, DpmppSde, Noise, Sampler, State, sample,
};
use sd_schedule::NoiseLevels;
use serde::Deserialize;

use crate::tensor;

/// One trajectory of a reference.
#[derive(Deserialize)]
struct Case {
    reference: String,
    sampler: String,
    #[serde(default)]
    eta: f64,
    #[serde(default)]
    s_noise: f64,
    levels: Vec<f64>,
    start: Vec<f64>,
    /// Number of steps before each of the images.
    steps: Vec<usize>,
    images: Vec<Vec<f64>>,
}

impl Case {
    fn sampler(&self) -> Box<dyn Sampler> {
        let (eta, s_noise) = (self.eta, self.s_noise);
        match self.sampler.as_str() {
            "dpmpp_2m" => Box::new(Dpmpp2m::new()),
            "dpmpp_2s_ancestral" => Box::new(Dpmpp2sAncestral::new(eta, s_noise)),
            "dpmpp_sde" => Box::new(DpmppSde::new(eta, s_noise)),
            "dpmpp_2m_sde" => Box::new(Dpmpp2mSde::new(eta, s_noise)),
            "dpmpp_3m_sde" => Box::new(Dpmpp3mSde::new(eta, s_noise)),
            other => panic!("no sampler {other}"),
        }
    }

    /// The largest distance from the reference's images.
    fn error(&self) -> f64 {
        let levels = NoiseLevels::new(self.levels.clone()).unwrap();
        let (sampler, mut state) = (self.sampler(), State::new(tensor(self.start.clone())));
        let mut error = 0.0_f64;
        while state.advance(&sampler, &mut denoise, &mut Formula, &levels).unwrap() {
            if let Some(which) = self.steps.iter().position(|steps| *steps == state.steps) {
                let found = state.x.to_data().try_to_vec::<f64>().unwrap();
                error = found.iter().zip(&self.images[which]).map(|(a, b)| (a - b).abs()).fold(error, f64::max);
            }
        }
        error
    }
}

/// The denoiser of a mixture: 0.4 of N(−1.3, 0.35²) and 0.6 of N(0.9, 0.6²).
fn denoise(x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
    let n2 = sigma * sigma;
    let part = |mean: f64, std: f64| {
        let s2 = std * std;
        let denoised = (x.clone() * s2 + mean * n2) / (s2 + n2);
        let log_density = (x.clone() - mean).powi_scalar(2) / (-2.0 * (s2 + n2)) - (s2 + n2).ln() / 2.0;
        (denoised, log_density)
    };
    let ((left, log_left), (right, log_right)) = (part(-1.3, 0.35), part(0.9, 0.6));
    let share = sigmoid(log_right - log_left + (0.6_f64 / 0.4).ln());
    Ok(left.clone() + (right - left) * share)
}

/// Noise that both sides compute.
struct Formula;

impl Noise for Formula {
    fn start(&mut self, _like: &Tensor<4>) -> Tensor<4> {
        unreachable!("the images start from stored numbers")
    }

    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        let count = like.dims().iter().product::<usize>();
        tensor((0..count).map(|i| 1.4 * (3.0 * from + 5.0 * to + 2.0 * i as f64).cos()).collect())
    }
}

#[test]
fn all_steps_are_those_of_the_references() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("trajectories.json")).unwrap();
    for case in &cases {
        let error = case.error();
        let steps = case.levels.len() - 1;
        println!("{} {} eta {}, {steps} steps: {error:.1e}", case.reference, case.sampler, case.eta);
        assert!(error < 1e-12, "{} {} eta {}: {error:e}", case.reference, case.sampler, case.eta);
    }
}

/// Noise for samplers that must not draw any.
struct Silence;

impl Noise for Silence {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        panic!("noise of shape {:?} was drawn", like.dims())
    }

    fn draw(&mut self, _like: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        panic!("noise from {from} to {to} was drawn")
    }
}

const LEVELS: [f64; 7] = [14.6, 8.0, 3.3, 1.4, 0.6, 0.2, 0.05];

/// The end of sampling without noise, and the number of network calls.
fn walk(sampler: &impl Sampler, levels: &NoiseLevels) -> (TensorData, usize) {
    let mut calls = 0;
    let mut counting = |x, sigma| {
        calls += 1;
        denoise(x, sigma)
    };
    let x = tensor(vec![-20.0, -3.0, 0.5, 9.0]);
    let x = sample(sampler, &mut counting, &mut Silence, x, levels).unwrap();
    (x.into_data(), calls)
}

#[test]
fn without_noise_they_equal_their_deterministic_relatives_to_the_last_bit() {
    for levels in [LEVELS.to_vec(), [&LEVELS[..], &[0.0]].concat()] {
        let levels = NoiseLevels::new(levels).unwrap();
        let end = |sampler: Box<dyn Sampler>| walk(&sampler, &levels).0;
        assert_eq!(end(Box::new(Dpmpp2mSde::new(0.0, 1.0))), end(Box::new(Dpmpp2m::new())));
        assert_eq!(end(Box::new(DpmppSde::new(0.0, 1.0))), end(Box::new(Dpmpp2sAncestral::new(0.0, 1.0))));
    }
}

#[test]
fn they_call_the_network_as_often_as_they_say_and_draw_no_noise_that_is_multiplied_by_zero() {
    for levels in [LEVELS.to_vec(), [&LEVELS[..], &[0.0]].concat(), vec![5.0, 0.0]] {
        let levels = NoiseLevels::new(levels).unwrap();
        for (eta, s_noise) in [(0.0, 1.0), (1.0, 0.0)] {
            let samplers: [Box<dyn Sampler>; 5] = [
                Box::new(Dpmpp2m::new()),
                Box::new(Dpmpp2mSde::new(eta, s_noise)),
                Box::new(Dpmpp2sAncestral::new(eta, s_noise)),
                Box::new(DpmppSde::new(eta, s_noise)),
                Box::new(Dpmpp3mSde::new(eta, s_noise)),
            ];
            for sampler in samplers {
                assert_eq!(walk(&sampler, &levels).1, sampler.calls(&levels));
            }
        }
    }
}
