//! The noise of a Brownian path: its distribution, and its effect on stochastic samplers.

use burn::tensor::{DType, Device, Tensor};
use sd_samplers::{BrownianNoise, Dpmpp2mSde, Dpmpp3mSde, DpmppSde, Noise, Sampler, TorchNoise, sample};
use sd_schedule::NoiseLevels;

use crate::relatives::denoise;

/// Falling, from much noise to none.
const LEVELS: [f64; 7] = [157.4, 14.6, 14.5, 2.0, 0.7, 0.03, 0.0];

fn zeros(count: usize) -> Tensor<4> {
    Tensor::zeros([1, 1, 1, count], (&Device::flex(), DType::F64))
}

fn values(x: Tensor<4>) -> Vec<f64> {
    x.into_data().try_to_vec().unwrap()
}

fn draw(noise: &mut impl Noise, count: usize, from: f64, to: f64) -> Vec<f64> {
    values(noise.draw(&zeros(count), from, to))
}

fn mean_product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / a.len() as f64
}

#[test]
fn increments_are_standard_normal() {
    let (mut noise, count) = (BrownianNoise::new(5), 65_536);
    for (from, to) in LEVELS.into_iter().zip(LEVELS.into_iter().skip(1)) {
        let drawn = draw(&mut noise, count, from, to);
        let squares: Vec<f64> = drawn.iter().map(|x| x * x).collect();
        let mean = drawn.iter().sum::<f64>() / count as f64;
        let variance = mean_product(&drawn, &drawn);
        let fourth = mean_product(&squares, &squares);
        println!("{from} to {to}: mean {mean:.4}, variance {variance:.4}, fourth moment {fourth:.4}");
        // Four standard errors: sqrt(1/n), sqrt(2/n) and sqrt(96/n).
        assert!(mean.abs() < 4.0 / 256.0, "mean {mean}");
        assert!((variance - 1.0).abs() < 4.0 * 2.0_f64.sqrt() / 256.0, "variance {variance}");
        assert!((fourth - 3.0).abs() < 4.0 * 96.0_f64.sqrt() / 256.0, "fourth moment {fourth}");
    }
}

#[test]
fn disjoint_intervals_other_seeds_other_elements_and_the_start_are_independent() {
    let (mut noise, count) = (BrownianNoise::new(5), 65_536);
    let mut draws: Vec<Vec<f64>> =
        LEVELS.windows(2).map(|levels| draw(&mut noise, count, levels[0], levels[1])).collect();
    draws.push(draw(&mut BrownianNoise::new(6), count, 2.0, 0.7));
    draws.push(draw(&mut BrownianNoise::new(5 + (1 << 32)), count, 2.0, 0.7));
    draws.push(draws[3].iter().copied().cycle().skip(1).take(count).collect());
    draws.push(values(noise.start(&zeros(count))));
    for (i, a) in draws.iter().enumerate() {
        for (j, b) in draws.iter().enumerate().skip(i + 1) {
            // Four standard errors.
            let correlation = mean_product(a, b);
            assert!(correlation.abs() < 4.0 / 256.0, "{i} and {j}: {correlation}");
        }
    }
}

#[test]
fn the_parts_of_an_interval_add_up_to_it() {
    let clock = |sigma: f64| sigma / (1.0 + sigma);
    for (a, b, c) in [(14.6, 9.0, 4.0), (157.4, 1.0, 0.0), (0.11, 0.1, 0.03), (2.0, 1.9, 0.5)] {
        let mut noise = BrownianNoise::new(7);
        let (first, second, whole) =
            (draw(&mut noise, 64, a, b), draw(&mut noise, 64, b, c), draw(&mut noise, 64, a, c));
        let weights = ((clock(a) - clock(b)).sqrt(), (clock(b) - clock(c)).sqrt(), (clock(a) - clock(c)).sqrt());
        for ((first, second), whole) in first.iter().zip(&second).zip(&whole) {
            let sum = (weights.0 * first + weights.1 * second) / weights.2;
            assert!((sum - whole).abs() < 1e-6, "{a} to {b} to {c}: {sum} instead of {whole}");
        }
    }
}

#[test]
fn draws_do_not_depend_on_earlier_draws() {
    let (mut used, like) = (BrownianNoise::new(8), zeros(100));
    let intervals = [(14.6, 3.0), (14.6, 1.0), (3.0, 1.0), (1.0, 0.0), (20.0, 14.6), (3.0, 1.0)];
    used.draw(&zeros(3), 14.6, 3.0);
    for (from, to) in intervals {
        let fresh = BrownianNoise::new(8).draw(&like, from, to).into_data();
        assert_eq!(used.draw(&like, from, to).into_data(), fresh, "{from} to {to}");
    }
}

#[test]
fn saved_and_restored_noise_continues_as_before() {
    let mut noise = BrownianNoise::new(u64::MAX);
    draw(&mut noise, 50, 9.0, 4.0);
    let saved = serde_json::to_string(&noise).unwrap();
    let mut restored: BrownianNoise = serde_json::from_str(&saved).unwrap();
    assert_eq!(restored, noise);
    assert_eq!(draw(&mut restored, 50, 4.0, 1.0), draw(&mut noise, 50, 4.0, 1.0));
}

#[test]
fn an_image_starts_as_with_the_noise_of_torch() {
    let like = Tensor::<4>::zeros([1, 4, 8, 8], &Device::flex());
    let mut noise = BrownianNoise::new(42);
    noise.draw(&like, 2.0, 1.0);
    assert_eq!(noise.start(&like).into_data(), TorchNoise::new(42).start(&like).into_data());
}

/// The first elements of the draw from 14.6 to 3.
const PATH_OF_42: [f64; 4] = [-0.8443090708843001, 0.12632108085174762, -0.9223626528905616, -0.7933442379458948];

/// Detects a new version of a generator that would silently change everybody's images.
#[test]
fn a_seed_gives_the_same_path_for_ever() {
    let drawn = draw(&mut BrownianNoise::new(42), 4, 14.6, 3.0);
    for (found, expected) in drawn.iter().zip(PATH_OF_42) {
        assert!((found - expected).abs() < 1e-12, "{drawn:?}");
    }
}

/// Levels closer than a tick of the clock, at its end and at its beginning.
#[test]
fn levels_that_the_path_cannot_tell_apart_share_a_tick() {
    for (from, to) in [(5.000_000_001, 5.0), (2e12, 1e12), (1e-11, 0.0)] {
        let values = draw(&mut BrownianNoise::new(0), 4096, from, to);
        let variance = values.iter().map(|x| x * x).sum::<f64>() / 4096.0;
        assert!((variance - 1.0).abs() < 0.1, "{variance} from {from} to {to}");
    }
}

#[test]
#[should_panic(expected = "from level 5 to 5, which is not below")]
fn noise_for_levels_that_do_not_fall_is_refused() {
    draw(&mut BrownianNoise::new(0), 1, 5.0, 5.0);
}

/// The root mean square of the change from `steps` steps to sixteen times as many.
fn change<N: Noise>(sampler: &impl Sampler, noise: fn(u64) -> N, steps: usize) -> f64 {
    let end = |steps: usize| {
        let level = |i: usize| 14.6 * (0.03_f64 / 14.6).powf(i as f64 / steps as f64);
        let levels = NoiseLevels::new((0..=steps).map(level).collect()).unwrap();
        let mut noise = noise(1);
        let x = noise.start(&zeros(256)) * levels.first();
        values(sample(sampler, &mut denoise, &mut noise, x, &levels).unwrap())
    };
    let apart: Vec<f64> = end(steps).iter().zip(end(16 * steps)).map(|(a, b)| a - b).collect();
    mean_product(&apart, &apart).sqrt()
}

/// Checks that the image itself converges, not only its distribution.
fn assert_converges_along_a_path(sampler: &impl Sampler) {
    let steps = [20, 40, 80, 160];
    let along_path = steps.map(|steps| change(sampler, BrownianNoise::new, steps));
    let independent = steps.map(|steps| change(sampler, TorchNoise::new, steps));
    println!("path {along_path:.4?}, independent {independent:.4?}");
    // A factor of 8 over three doublings, as at order 1.
    assert!(along_path.is_sorted_by(|a, b| a > b) && along_path[3] < along_path[0] / 4.0, "{along_path:?}");
    // Two unrelated images are 0.5·√2 apart.
    assert!(independent.iter().all(|apart| (apart / 0.5_f64.sqrt() - 1.0).abs() < 0.25), "{independent:?}");
}

#[test]
fn images_converge_along_a_path_and_do_not_with_independent_noise() {
    assert_converges_along_a_path(&Dpmpp2mSde::new(1.0, 1.0));
    assert_converges_along_a_path(&DpmppSde::new(1.0, 1.0));
    assert_converges_along_a_path(&Dpmpp3mSde::new(1.0, 1.0));
}

/// Image-to-image draws the noise of its encoder before the noise that it starts from.
#[test]
fn starts_follow_each_other_as_those_of_torch() {
    let (mut brownian, mut torch, like) = (BrownianNoise::new(9), TorchNoise::new(9), zeros(100));
    for _ in 0..2 {
        assert_eq!(brownian.start(&like).into_data(), torch.start(&like).into_data());
    }
}
