//! Whole samplings with guidance. Gaussians of one width have a guided path in closed form: that of the Gaussian about the guided mean.

use burn::tensor::{Device, Tensor};
use sd_exact::{Gaussian, images, points};
use sd_guidance::{Guidance, GuidanceState, Interval, Predictions, Step};
use sd_samplers::{Ddim, DenoiseError, Denoiser, State, TorchNoise};
use sd_schedule::{NoiseLevels, Prediction};

const NEGATIVE: f64 = -0.4;
const PROMPT: f64 = 0.3;

fn data(mean: f64) -> Gaussian {
    Gaussian { mean: vec![mean], std: vec![0.5] }
}

fn mean(scale: f64) -> f64 {
    NEGATIVE + scale * (PROMPT - NEGATIVE)
}

fn start() -> Tensor<4> {
    images(&[[-9.0], [0.0], [4.0]], &Device::flex())
}

/// Levels from 10 to 0, whose steps shrink.
fn levels(steps: usize) -> NoiseLevels {
    NoiseLevels::new((0..=steps).rev().map(|i| 10.0 * (i as f64 / steps as f64).powi(3)).collect()).unwrap()
}

/// Draws with a network that predicts `eps` for the two Gaussians.
fn draw(guidance: &Guidance, levels: &NoiseLevels) -> Tensor<4> {
    let (mut image, mut memory) = (State::new(start()), GuidanceState::default());
    for (index, (from, to)) in levels.pairs().enumerate() {
        let step = Step { index, steps: levels.steps(), from, to };
        let mut model = |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, DenoiseError> {
            let (skip, out) = Prediction::Eps.coefficients(sigma);
            let raw = |mean| {
                Ok::<_, DenoiseError>((data(mean).denoiser().denoise(x.clone(), sigma)? - x.clone() * skip) / out)
            };
            let predictions = Predictions { negative: Some(raw(NEGATIVE)?), ..Predictions::of_prompt(raw(PROMPT)?) };
            let raw = guidance.combine(&step, &mut memory, predictions, (skip, out).into(), &x);
            Ok(x * skip + raw * out)
        };
        assert!(image.advance(&Ddim::new(0.0), &mut model, &mut TorchNoise::new(0), levels).unwrap());
    }
    image.x
}

fn largest_difference(a: Tensor<4>, b: Tensor<4>) -> f64 {
    let (a, b) = (points::<1>(a), points::<1>(b));
    a.iter().zip(&b).map(|([a], [b])| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn guided_sampling_converges_to_the_data_about_the_guided_mean() {
    let guidance = Guidance { scale: 4.0, ..Guidance::default() };
    let error = |steps| largest_difference(draw(&guidance, &levels(steps)), data(mean(4.0)).path(start(), 10.0, 0.0));
    let (coarse, fine) = (error(100), error(200));
    assert!(fine < 0.02 && (1.8..2.2).contains(&(coarse / fine)), "{coarse} and {fine}");
}

#[test]
fn outside_the_interval_the_path_is_the_prompts_own() {
    let guidance = Guidance { scale: 4.0, interval: Interval { from: 0.25, to: 0.75 }, ..Guidance::default() };
    let error = |steps| {
        let at = levels(steps);
        let (begin, end) = (at.sigmas()[steps / 4], at.sigmas()[3 * steps / 4]);
        let x = data(PROMPT).path(start(), 10.0, begin);
        let x = data(mean(4.0)).path(x, begin, end);
        largest_difference(draw(&guidance, &at), data(PROMPT).path(x, end, 0.0))
    };
    let (coarse, fine) = (error(100), error(200));
    assert!(fine < 0.02 && (1.8..2.2).contains(&(coarse / fine)), "{coarse} and {fine}");
}

#[test]
fn the_whole_interval_is_plain_guidance() {
    let plain = Guidance { scale: 4.0, ..Guidance::default() };
    let whole = Guidance { interval: Interval { from: 0.0, to: 1.0 }, ..plain.clone() };
    assert_eq!(draw(&whole, &levels(10)).to_data(), draw(&plain, &levels(10)).to_data());
}

#[test]
fn a_schedule_gives_every_step_its_scale() {
    let guidance = Guidance { schedule: Some("4x50+1x150".parse().unwrap()), ..Guidance::default() };
    let first = Guidance { scale: 4.0, interval: Interval { from: 0.0, to: 0.25 }, ..Guidance::default() };
    assert_eq!(draw(&guidance, &levels(200)).to_data(), draw(&first, &levels(200)).to_data());
}

/// Chung et al. 2024, algorithm 2: the guided image gets the noise of the unguided prediction.
#[test]
fn ddim_with_cfg_plus_plus_makes_the_steps_of_the_paper() {
    let (share, levels) = (0.6, levels(20));
    let guidance = Guidance { scale: share, plus_plus: true, ..Guidance::default() };
    let paper = levels.pairs().fold(start(), |x, (from, to)| {
        let denoised = |mean| data(mean).denoiser().denoise(x.clone(), from).unwrap();
        let (negative, prompt) = (denoised(NEGATIVE), denoised(PROMPT));
        let eps = (x.clone() - negative.clone()) / from;
        negative.clone() + (prompt - negative) * share + eps * to
    });
    assert!(largest_difference(draw(&guidance, &levels), paper) < 1e-9);
}

#[test]
fn cfg_plus_plus_with_share_0_converges_to_the_negative_prompts_data() {
    let guidance = Guidance { scale: 0.0, plus_plus: true, ..Guidance::default() };
    let error = |steps| largest_difference(draw(&guidance, &levels(steps)), data(NEGATIVE).path(start(), 10.0, 0.0));
    let (coarse, fine) = (error(100), error(200));
    assert!(fine < 0.02 && (1.8..2.2).contains(&(coarse / fine)), "{coarse} and {fine}");
}
