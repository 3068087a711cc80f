//! Samplers against k-diffusion's, call by call, with a closed-form denoiser in f64; `make.py` made `trajectories.json`.

use std::cell::RefCell;

use burn::tensor::Tensor;
use sd_samplers::{
    Churn, DenoiseError, Dpm2, Dpm2Ancestral, Euler, EulerAncestral, Heun, Lms, Noise, Sampler, TorchNoise, sample,
};
use sd_schedule::NoiseLevels;
use serde_json::Value;

use crate::tensor;

/// The sampler of a golden trajectory.
fn sampler(name: &str) -> Box<dyn Sampler> {
    let churn = Churn { s_churn: 2.4, s_tmin: 0.2, s_tmax: 8.0, s_noise: 1.007 };
    match name {
        "euler" => Box::new(Euler::new(Churn::none())),
        "euler churn" => Box::new(Euler::new(churn)),
        "euler most churn" => Box::new(Euler::new(Churn { s_churn: 40.0, ..Churn::none() })),
        "euler ancestral" => Box::new(EulerAncestral::new(1.0, 1.0)),
        "euler ancestral 0.6" => Box::new(EulerAncestral::new(0.6, 0.97)),
        "heun" => Box::new(Heun::new(Churn::none())),
        "heun churn" => Box::new(Heun::new(churn)),
        "dpm2" => Box::new(Dpm2::new(Churn::none())),
        "dpm2 churn" => Box::new(Dpm2::new(churn)),
        "dpm2 ancestral" => Box::new(Dpm2Ancestral::new(1.0, 1.0)),
        "dpm2 ancestral 0.6" => Box::new(Dpm2Ancestral::new(0.6, 0.97)),
        "lms 4" => Box::new(Lms::new(4)),
        "lms 2" => Box::new(Lms::new(2)),
        other => panic!("no sampler here is called {other}"),
    }
}

/// Largest difference allowed, relative to the values or to 1 where they are smaller: they have 13 digits.
const TOLERANCE: f64 = 1e-12;

#[test]
fn trajectories_are_those_of_k_diffusion() {
    let mut golden: serde_json::Map<String, Value> = serde_json::from_str(include_str!("trajectories.json")).unwrap();
    let levels = NoiseLevels::new(values(&golden.remove("levels").unwrap())).unwrap();
    let start = values(&golden.remove("start").unwrap());
    assert!(!golden.is_empty());
    for (name, expected) in golden {
        let sampler = sampler(&name);
        let calls = RefCell::new(Vec::new());
        let mut model = |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, DenoiseError> {
            let seen = [sigma].into_iter().chain(x.clone().into_data().try_to_vec::<f64>()?).collect();
            calls.borrow_mut().push(seen);
            Ok(denoise(x, sigma))
        };
        let end = sample(&sampler, &mut model, &mut Formula, tensor(start.clone()), &levels).unwrap();
        let end = end.into_data().try_to_vec::<f64>().unwrap();

        let calls: Vec<Vec<f64>> = calls.into_inner();
        let expected_calls: Vec<Vec<f64>> = expected["calls"].as_array().unwrap().iter().map(values).collect();
        assert_eq!(calls.len(), expected_calls.len(), "{name}: calls");
        assert_eq!(calls.len(), sampler.calls(&levels), "{name}: calls that it says");
        for (i, (found, expected)) in calls.iter().zip(&expected_calls).enumerate() {
            assert_close(found, expected, &format!("{name}: sigma and x of call {i}"));
        }
        assert_close(&end, &values(&expected["end"]), &format!("{name}: end"));
    }
}

/// A mixture of Gaussians: weight, mean, std.
const MIXTURE: [(f64, f64, f64); 2] = [(0.4, -1.3, 0.35), (0.6, 0.9, 0.6)];

/// The mean of each Gaussian's posterior, weighted by how likely it is to have made `x`.
fn denoise(x: Tensor<4>, sigma: f64) -> Tensor<4> {
    let [a, b] = MIXTURE.map(|(weight, mean, std)| {
        let (s2, n2) = (std * std, sigma * sigma);
        let log_weight = (x.clone() - mean).square() * (-0.5 / (s2 + n2)) + weight.ln() - 0.5 * (s2 + n2).ln();
        (log_weight, (x.clone() * s2 + mean * n2) / (s2 + n2))
    });
    let share = burn::tensor::activation::sigmoid(b.0 - a.0);
    a.1.clone() + (b.1 - a.1) * share
}

/// Noise from a formula of the level to which it leads.
struct Formula;

impl Noise for Formula {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        TorchNoise::new(0).start(like)
    }

    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        assert!(from > to, "from {from} down to {to}");
        tensor((0..like.shape().num_elements()).map(|i| 1.4 * (1.0 + 7.0 * to + 3.0 * i as f64).cos()).collect())
    }
}

fn values(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= TOLERANCE * b.abs().max(1.0);
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(close),
        "{what}: {found:?} instead of {expected:?}"
    );
}
