//! Searches on data whose best denoiser is known.

#![allow(clippy::print_stdout, reason = "the figures are worth reading with --nocapture")]

use burn::tensor::{Device, Tensor};
use sd_exact::{Mixture, images, points, stable_diffusion};
use sd_samplers::{BFunction, DenoiseError, Ipndm, Multistep, Noise, Sampler, TorchNoise, UniPc, sample};
use sd_schedule::{Grid, NoiseLevels};
use sd_tune::{Settings, Steps, Tuning};

fn karras(steps: usize) -> NoiseLevels {
    Grid::Karras { rho: 7.0 }.levels(&stable_diffusion(), steps).unwrap()
}

/// Noise at the first level.
fn noise(seed: u64) -> Tensor<4> {
    TorchNoise::new(seed).start(&images(&[[0.0; 2]; 64], &Device::flex())) * karras(1).first()
}

fn draw(x: &Tensor<4>, sampler: &dyn Sampler, levels: &NoiseLevels) -> Vec<f32> {
    let data = Mixture::ring();
    let drawn = sample(sampler, &mut data.denoiser(), &mut TorchNoise::new(0), x.clone(), levels);
    points::<2>(drawn.unwrap()).into_iter().flatten().map(|value| value as f32).collect()
}

/// The ends of the exact paths.
fn exact(x: &Tensor<4>) -> Vec<f32> {
    let ends = Mixture::ring().path(x.clone(), karras(1).first(), 0.0);
    points::<2>(ends).into_iter().flatten().map(|value| value as f32).collect()
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (squares / a.len() as f64).sqrt()
}

fn tuned(name: &str, sampler: &dyn Sampler, steps: usize, weights: bool, budget: usize) -> Tuning {
    let x = noise(1);
    let mut tuning = Tuning::new(Settings { weights, budget }, exact(&x), vec![Steps::new(name, karras(steps))]);
    let mut draw = |steps: &Steps| -> Result<Vec<f32>, DenoiseError> {
        Ok(steps.draw(sampler, |sampler, levels| draw(&x, sampler, levels)))
    };
    while tuning.advance(&mut draw).unwrap() {}
    tuning
}

/// Errors on other noise: of the found steps, and of a sampler on Karras levels with some numbers of steps.
fn judged(steps: &Steps, own: &dyn Sampler) -> f64 {
    let x = noise(2);
    distance(&steps.draw(own, |sampler, levels| draw(&x, sampler, levels)), &exact(&x))
}

fn unipc(steps: usize) -> f64 {
    let x = noise(2);
    distance(&draw(&x, &UniPc::new(2, BFunction::Bh2), &karras(steps)), &exact(&x))
}

#[test]
fn five_tuned_steps_are_closer_than_ten_of_unipc_on_other_noise() {
    let sampler = Ipndm::new(4);
    let levels = judged(&tuned("ipndm", &sampler, 5, false, 300).best().unwrap().steps, &sampler);
    let weights = judged(&tuned("ipndm", &sampler, 5, true, 800).best().unwrap().steps, &sampler);
    println!("levels {levels:.4}, weights {weights:.4}; UniPC {:.4}, {:.4}, {:.4}", unipc(5), unipc(10), unipc(15));
    assert!(levels < unipc(10), "{levels} with tuned levels, UniPC {}", unipc(10));
    assert!(weights < levels, "{weights} with tuned weights, {levels} without");
}

#[test]
fn no_sampler_is_worse_than_before() {
    for steps in [4, 8, 10] {
        let samplers: [(&str, Box<dyn Sampler>); 2] =
            [("ipndm", Box::new(Ipndm::new(4))), ("unipc", Box::new(UniPc::new(2, BFunction::Bh2)))];
        for (name, sampler) in samplers {
            let tuning = tuned(name, &*sampler, steps, false, 150);
            let before = judged(&Steps::new(name, karras(steps)), &*sampler);
            let after = judged(&tuning.best().unwrap().steps, &*sampler);
            println!("{name}, {steps} steps: {before:.4}, then {after:.4}");
            assert!(after < before, "{name}, {steps} steps: {before}, then {after}");
        }
    }
}

#[test]
fn a_search_continues_from_its_state_as_if_never_stopped() {
    let (sampler, x) = (Ipndm::new(4), noise(1));
    let mut draw = |steps: &Steps| -> Result<Vec<f32>, DenoiseError> {
        Ok(steps.draw(&sampler, |sampler, levels| draw(&x, sampler, levels)))
    };
    let settings = Settings { weights: true, budget: 60 };
    let mut whole = Tuning::new(settings, exact(&x), vec![Steps::new("ipndm", karras(4))]);
    while whole.advance(&mut draw).unwrap() {}
    let mut stopped = Tuning::new(settings, exact(&x), vec![Steps::new("ipndm", karras(4))]);
    while stopped.advance(&mut draw).unwrap() {
        let state = serde_json::to_string(&stopped).unwrap();
        stopped = serde_json::from_str(&state).unwrap();
    }
    assert_eq!(stopped, whole);
    // An iteration draws once for each unknown, and for its attempts.
    assert!(whole.drawings() < 60 + 13 + 8, "{}", whole.drawings());
}

#[test]
fn an_error_of_the_drawing_ends_the_iteration_and_changes_nothing() {
    let mut tuning =
        Tuning::new(Settings { weights: false, budget: 50 }, vec![0.0], vec![Steps::new("ipndm", karras(4))]);
    let before = tuning.clone();
    let stopped: Result<bool, DenoiseError> = tuning.advance(&mut |_| Err("broken".into()));
    assert_eq!(stopped.unwrap_err().to_string(), "broken");
    assert_eq!(tuning, before);
}

#[test]
fn weights_of_ipndm_draw_as_ipndm() {
    let (x, levels) = (noise(3), karras(6));
    let classical: [&[f64]; 4] = [
        &[1.0],
        &[-0.5, 1.5],
        &[5.0 / 12.0, -16.0 / 12.0, 23.0 / 12.0],
        &[-9.0 / 24.0, 37.0 / 24.0, -59.0 / 24.0, 55.0 / 24.0],
    ];
    let weights = Multistep::new((0..6).map(|step| classical[step.min(3)].to_vec()).collect());
    assert_eq!(draw(&x, &weights, &levels), draw(&x, &Ipndm::new(4), &levels));
}
