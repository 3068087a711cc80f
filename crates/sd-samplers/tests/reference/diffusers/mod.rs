//! Samplers against diffusers' own schedulers, which `make.py` ran in float64 on a mixture of two Gaussians, whose denoiser
//! is known; and equalities between these samplers and DDIM.

use burn::tensor::Tensor;
use sd_samplers::{BFunction, Ddim, Deis, DenoiseError, Lcm, Noise, SaSolver, Sampler, State, Tcd, UniPc};
use sd_schedule::{BetaSchedule, NoiseLevels, NoiseSchedule};
use serde_json::Value;

use crate::tensor;

fn schedule() -> NoiseSchedule {
    NoiseSchedule::from_betas(&BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap()).unwrap()
}

/// The sampler that `make.py` calls by this name.
fn sampler(name: &str) -> Box<dyn Sampler> {
    let noisy = schedule().sigma(200.0)..=schedule().sigma(800.0);
    let order = |word: &str| word.parse().unwrap();
    match name.split(' ').collect::<Vec<_>>()[..] {
        ["unipc", p, "bh1"] => Box::new(UniPc::new(order(p), BFunction::Bh1)),
        ["unipc", p, "bh2"] => Box::new(UniPc::new(order(p), BFunction::Bh2)),
        ["deis", p] => Box::new(Deis::new(order(p))),
        ["sa-solver", tau] => Box::new(SaSolver::new(tau.parse().unwrap(), noisy)),
        ["lcm", ..] => Box::new(Lcm),
        ["tcd", gamma] => Box::new(Tcd::new(schedule(), gamma.parse().unwrap())),
        _ => panic!("no sampler is called {name}"),
    }
}

/// The exact denoiser of a mixture: 0.4 of N(−1.3, 0.35²) and 0.6 of N(0.9, 0.6²).
fn denoise(x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
    let modes = [(0.4, -1.3, 0.35_f64), (0.6, 0.9, 0.6)];
    let [(density_a, mean_a), (density_b, mean_b)] = modes.map(|(weight, mean, std)| {
        let variance = std * std + sigma * sigma;
        let density = ((x.clone() - mean).powi_scalar(2) / (-2.0 * variance)).exp() * (weight / variance.sqrt());
        (density, (x.clone() * (std * std) + mean * sigma * sigma) / variance)
    });
    Ok((density_a.clone() * mean_a + density_b.clone() * mean_b) / (density_a + density_b))
}

/// Draw k is `1.4·cos(1 + 7k + 3i)` at element i.
struct Cosines(usize);

impl Noise for Cosines {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        let draw = |i: usize| 1.4 * ((1 + 7 * self.0 + 3 * i) as f64).cos();
        let drawn = tensor((0..like.shape().num_elements()).map(draw).collect());
        self.0 += 1;
        drawn
    }

    fn draw(&mut self, like: &Tensor<4>, _from: f64, _to: f64) -> Tensor<4> {
        self.start(like)
    }
}

/// The image before the first step and after each, and how often noise was drawn.
fn walk(sampler: &impl Sampler, levels: &[f64], start: Vec<f64>) -> (Vec<Vec<f64>>, usize) {
    let levels = NoiseLevels::new(levels.to_vec()).unwrap();
    let (mut state, mut noise) = (State::new(tensor(start)), Cosines(0));
    let values = |state: &State| state.x.clone().into_data().try_to_vec::<f64>().unwrap();
    let mut images = vec![values(&state)];
    while state.advance(sampler, &mut denoise, &mut noise, &levels).unwrap() {
        images.push(values(&state));
    }
    (images, noise.0)
}

/// Largest distance, relative to the largest value.
fn distance(found: &[f64], expected: &[f64]) -> f64 {
    let largest = expected.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    found.iter().zip(expected).fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs() / largest))
}

#[test]
fn every_image_is_that_of_diffusers() {
    let golden: Vec<Value> = serde_json::from_str(include_str!("trajectories.json")).unwrap();
    for case in golden {
        let values = |key: &str| -> Vec<f64> { serde_json::from_value(case[key].clone()).unwrap() };
        let name = case["sampler"].as_str().unwrap();
        let (images, _) = walk(&sampler(name), &values("levels"), values("start"));
        let steps = images.len() - 1;
        // diffusers mixes 7e-7 of the noisy image into LCM's denoised one at timestep 59, the smallest here.
        let tolerance = if name == "lcm" { 1e-6 } else { 1e-12 };
        for (key, image) in [("middle", &images[steps / 2]), ("end", &images[steps])] {
            let off = distance(image, &values(key));
            assert!(off < tolerance, "{name}, {steps} steps, {key}: off by {off:e}");
        }
    }
}

const LEVELS: [f64; 6] = [14.6, 7.0, 3.1, 1.2, 0.4, 0.029];

fn start() -> Vec<f64> {
    (0..8).map(|i| 14.6 * (f64::from(i) * 1.7).sin()).collect()
}

fn ddim() -> Vec<Vec<f64>> {
    walk(&Ddim::new(0.0), &LEVELS, start()).0
}

#[test]
fn unipc_starts_with_a_step_of_ddim() {
    for name in ["unipc 1 bh1", "unipc 1 bh2", "unipc 2 bh2", "unipc 3 bh1"] {
        let (images, drawn) = walk(&sampler(name), &LEVELS, start());
        assert_eq!((&images[1], drawn), (&ddim()[1], 0), "{name}");
        // A single step is predicted and never corrected.
        let (one, _) = walk(&sampler(name), &LEVELS[..2], start());
        assert_eq!(one[1], ddim()[1], "{name}");
    }
}

#[test]
fn deis_of_order_one_and_tcd_with_gamma_0_are_ddim() {
    for name in ["deis 1", "tcd 0"] {
        let (images, drawn) = walk(&sampler(name), &LEVELS, start());
        assert_eq!(drawn, 0);
        for (image, expected) in images.iter().zip(ddim()) {
            assert!(distance(image, &expected) < 1e-13, "{name}");
        }
    }
}

#[test]
fn a_step_to_level_0_ends_at_the_denoised_image() {
    for name in ["unipc 3 bh1", "unipc 3 bh2", "deis 3", "sa-solver 1", "lcm", "tcd 0.3"] {
        let (images, _) = walk(&sampler(name), &[14.6, 5.0, 0.9, 0.0], start());
        assert!(images[3].iter().all(|x| x.abs() < 2.5), "{name}: {:?}", images[3]);
        let (one, drawn) = walk(&sampler(name), &[14.6, 0.0], start());
        let expected = denoise(tensor(start()), 14.6).unwrap().into_data().try_to_vec::<f64>().unwrap();
        assert!(drawn == 0 && distance(&one[1], &expected) < 1e-13, "{name}");
    }
}

/// The last of the five steps starts below timestep 200, and ends at timestep 0.
#[test]
fn noise_is_drawn_only_where_it_can_matter() {
    for (name, expected) in [("sa-solver 0", 0), ("sa-solver 1", 4), ("lcm", 5), ("tcd 0.3", 4)] {
        assert_eq!(walk(&sampler(name), &LEVELS, start()).1, expected, "{name}");
    }
}
