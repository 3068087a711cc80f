//! Inversion with exact denoisers, whose paths between an image and its noise are known.

use burn::tensor::{Device, Tensor};
use sd_exact::{Gaussian, Mixture, error, evenly_in_t, images, order, points, stable_diffusion};
use sd_samplers::{Ddim, Denoiser, TorchNoise, invert};
use sd_schedule::NoiseLevels;

use crate::rows::figures;

const STEPS: [usize; 4] = [160, 320, 640, 1280];

/// Images of the ring, near and between its components.
fn clean() -> Tensor<4> {
    images(&[[1.2, 0.3], [-0.2, 1.4], [-1.6, -0.1], [0.1, -0.4], [0.5, 0.5]], &Device::flex())
}

/// Steps that shrink towards level 0, where they end.
fn down_to_zero(steps: usize) -> NoiseLevels {
    let level = |i: usize| 8.0 * (1.0 - i as f64 / steps as f64).powi(2);
    NoiseLevels::new((0..=steps).map(level).collect()).expect("they fall")
}

fn largest(x: Tensor<4>) -> f64 {
    points::<2>(x.abs()).into_iter().flatten().fold(0.0, f64::max)
}

/// The orders of the noise found and of the image that it gives, by the errors at some numbers of steps.
fn orders(model: &mut dyn Denoiser, noise: &Tensor<4>, levels: impl Fn(usize) -> NoiseLevels) -> [f64; 2] {
    let found = STEPS.map(|steps| invert(model, clean(), &levels(steps)).expect("it does not fail"));
    let errors = found.clone().map(|found| largest(found - noise.clone()));
    let ends = [0, 1, 2, 3].map(|i| error(&Ddim::new(0.0), model, &found[i], &clean(), &levels(STEPS[i])));
    [errors, ends].map(|errors| {
        let errors: Vec<(usize, f64)> = STEPS.into_iter().zip(errors).collect();
        println!("order {:.2} ({})", order(&errors), figures(&errors));
        order(&errors)
    })
}

#[test]
fn the_noise_found_and_the_image_drawn_from_it_converge_at_order_1() {
    let (gaussian, mixture) = (Gaussian { mean: vec![0.4, 1.0], std: vec![0.5, 1.5] }, Mixture::ring());
    let (low, high) = (evenly_in_t(1).last(), evenly_in_t(1).first());
    let found = [
        orders(&mut gaussian.denoiser(), &gaussian.path(clean(), low, high), evenly_in_t),
        orders(&mut mixture.denoiser(), &mixture.path(clean(), low, high), evenly_in_t),
        orders(&mut gaussian.denoiser(), &gaussian.path(clean(), 0.0, 8.0), down_to_zero),
        orders(&mut mixture.denoiser(), &mixture.path(clean(), 0.0, 8.0), down_to_zero),
    ];
    assert!(found.as_flattened().iter().all(|order| (order - 1.0).abs() < 0.25), "{found:?}");
}

#[test]
fn the_noise_of_many_images_is_standard_normal() {
    let (data, count) = (Mixture::ring(), 10_000);
    let levels =
        |steps: u32| (0..steps).map(move |i| stable_diffusion().sigma(999.0 * (1.0 - f64::from(i) / f64::from(steps))));
    let levels = NoiseLevels::new(levels(200).chain([0.0]).collect()).expect("they fall");
    let images = data.draw(count, &mut TorchNoise::new(0), &Device::flex());
    let noise = invert(&mut data.denoiser(), images, &levels).expect("it does not fail");
    let noise = points::<2>(noise / levels.first());
    for i in 0..2 {
        let mean = noise.iter().map(|x| x[i]).sum::<f64>() / count as f64;
        let variance = noise.iter().map(|x| (x[i] - mean).powi(2)).sum::<f64>() / count as f64;
        // Three standard errors, and half a percent for what is left of the data at the first level.
        assert!(mean.abs() < 0.035 && (variance - 1.0).abs() < 0.05, "mean {mean}, variance {variance}");
    }
}

#[test]
fn a_step_from_no_noise_takes_the_prediction_at_the_next_level() {
    let mut seen = Vec::new();
    let mut model = |x: Tensor<4>, sigma: f64| {
        seen.push(sigma);
        Ok(x * 0.0)
    };
    let levels = NoiseLevels::new(vec![8.0, 2.0, 0.5, 0.0]).unwrap();
    let found = invert(&mut model, images(&[[1.0, -3.0]], &Device::flex()), &levels).unwrap();
    assert_eq!(seen, [0.5, 0.5, 2.0]);
    // All of the image is taken for noise of level 0.5, of which the first step adds as much again.
    assert_eq!(points::<2>(found), [[32.0, -96.0]]);
}
