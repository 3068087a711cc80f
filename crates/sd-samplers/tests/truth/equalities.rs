//! Results that are equal, or exact, for any number of steps.

use burn::tensor::{Tensor, TensorData};
use sd_exact::{Mixture, evenly_in_t};
use sd_samplers::{Ddim, Ddpm, DenoiseError, Denoiser, Sampler, State, TorchNoise, Variance, sample};
use sd_schedule::NoiseLevels;

use crate::rows::{Row, assert_none, deterministic, is_exact_on_straight_paths, rows, start, uneven};

/// The largest distance between two images.
fn distance(a: Tensor<4>, b: Tensor<4>) -> f64 {
    (a - b).abs().max().into_scalar()
}

fn draw(sampler: &impl Sampler, levels: &NoiseLevels) -> Tensor<4> {
    let model = Mixture::ring();
    sample(sampler, &mut model.denoiser(), &mut TorchNoise::new(4), start(levels), levels).unwrap()
}

#[test]
fn ddim_with_eta_one_is_ddpm_with_the_small_variance() {
    let data = |x: Tensor<4>| -> TensorData { x.into_data() };
    let ddpm = Ddpm::new(Variance::FixedSmall);
    assert_eq!(data(draw(&Ddim::new(1.0), &uneven())), data(draw(&ddpm, &uneven())));
}

/// In one step from noise to level 0, every sampler must end at the clean image.
#[test]
fn a_single_step_to_level_zero_ends_at_the_denoised_image() {
    let (levels, data) = (NoiseLevels::new(vec![14.0, 0.0]).unwrap(), Mixture::ring());
    let denoised = data.denoiser().denoise(start(&levels), levels.first()).unwrap();
    for Row { name, sampler, .. } in rows().into_iter().filter(|row| row.sampler.min_steps() == 1) {
        // Churn starts from its own level, and a restart has more steps inside.
        if !name.contains("churn") && !name.contains("restart") {
            let distance = distance(draw(&sampler, &levels), denoised.clone());
            assert!(distance < 1e-13, "{name} ends {distance:.1e} beside");
        }
    }
}

/// The image after the first step, if that step called the network only once.
fn first_step(sampler: &impl Sampler) -> Option<Tensor<4>> {
    let (levels, data, mut calls) = (evenly_in_t(40), Mixture::ring(), 0);
    let mut model = |x: Tensor<4>, sigma: f64| {
        calls += 1;
        data.denoiser().denoise(x, sigma)
    };
    let mut state = State::new(start(&levels));
    state.advance(sampler, &mut model, &mut TorchNoise::new(0), &levels).unwrap();
    (calls == 1).then_some(state.x)
}

/// There is no history yet, so a method with one network call has no choice.
#[test]
fn the_first_step_of_a_deterministic_method_with_one_call_is_that_of_ddim() {
    let ddim = first_step(&Ddim::new(0.0)).unwrap();
    for Row { name, sampler, .. } in deterministic() {
        if let Some(x) = first_step(&sampler) {
            let distance = distance(x, ddim.clone());
            assert!(distance < 1e-13, "{name} is off by {distance:.1e}");
        }
    }
}

/// If the predicted noise is constant, paths are straight lines, and any method is exact up to rounding.
#[test]
fn deterministic_samplers_are_exact_where_the_noise_is_constant() {
    let eps = draw(&Ddim::new(0.0), &uneven());
    let mut model = |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, DenoiseError> { Ok(x - eps.clone() * sigma) };
    let expected = start(&uneven()) - eps.clone() * uneven().first();
    assert_exact(&mut model, expected);
}

/// If the denoised image is constant, paths are straight lines towards it.
#[test]
fn deterministic_samplers_are_exact_where_the_denoised_image_is_constant() {
    let denoised = draw(&Ddim::new(0.0), &uneven());
    let mut model = |_: Tensor<4>, _: f64| -> Result<Tensor<4>, DenoiseError> { Ok(denoised.clone()) };
    assert_exact(&mut model, denoised.clone());
}

/// Checks the end of every deterministic sampler, for levels that end at 0.
fn assert_exact(model: &mut dyn Denoiser, expected: Tensor<4>) {
    let mut failures = Vec::new();
    for Row { name, sampler, .. } in deterministic().filter(is_exact_on_straight_paths) {
        let drawn = sample(&sampler, model, &mut TorchNoise::new(0), start(&uneven()), &uneven()).unwrap();
        let distance = distance(drawn, expected.clone());
        // Images start at 30 and more; the steps leave a few roundings of that.
        if distance.is_nan() || distance > 1e-12 {
            failures.push(format!("{name} is off by {distance:.1e}"));
        }
    }
    assert_none(failures);
}
