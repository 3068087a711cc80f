//! The DDIM paper's table of `eta` (Song et al. 2021, table 1), with an exact network.

use burn::tensor::Device;
use sd_exact::{Affine, Gaussian};
use sd_samplers::FreshNoise::{Never, Steps};
use sd_samplers::{Ddim, Ddpm, FreshNoise, Sampler, Variance};
use sd_schedule::{BetaSchedule, NoiseLevels, NoiseSchedule, Spacing};

/// The paper's numbers of steps, `S`.
pub const STEPS: [usize; 5] = [10, 20, 50, 100, 1000];

/// The paper's rows, and its FID on CIFAR-10.
pub const PAPER: [(&str, [f64; 5]); 5] = [
    ("0", [13.36, 6.84, 4.67, 4.16, 4.04]),
    ("0.2", [14.04, 7.11, 4.77, 4.25, 4.09]),
    ("0.5", [16.66, 8.35, 5.25, 4.46, 4.29]),
    ("1", [41.07, 18.36, 8.01, 5.78, 4.73]),
    ("hat-sigma", [367.43, 133.37, 32.72, 9.99, 3.17]),
];

/// The sampler of a row.
fn sampler(row: &str) -> (Box<dyn Sampler>, FreshNoise) {
    match row {
        "0" => (Box::new(Ddim::new(0.0)), Never),
        "hat-sigma" => (Box::new(Ddpm::new(Variance::FixedLarge)), Steps),
        eta => (Box::new(Ddim::new(eta.parse().expect("a number"))), Steps),
    }
}

/// Returns the levels of timesteps in DDPM's noise, and then `last`.
fn levels_at(tau: &[f64], last: f64) -> NoiseLevels {
    let betas = BetaSchedule::Linear.betas(1000, 1e-4, 0.02).expect("known to be a schedule");
    let schedule = NoiseSchedule::from_betas(&betas).expect("known to be a schedule");
    NoiseLevels::of_timesteps(&schedule, tau, last).expect("they fall")
}

/// The paper's linear sub-sequence: multiples of `1000/steps`.
pub fn levels(steps: usize, last: f64) -> NoiseLevels {
    let tau = Spacing::Leading { offset: 0 }.timesteps(steps, 1000).expect("at most a thousand");
    levels_at(&tau, last)
}

/// The smallest level of DDPM's noise.
fn smallest() -> f64 {
    levels(1000, 0.0).pairs().last().expect("a last step").0
}

/// The distribution that a row draws, starting from normal noise in the paper's form, whose standard deviation is 1 and
/// whose image is scaled by `1/sqrt(1 + sigma²)`.
fn drawn(row: &str, data: &Gaussian, levels: &NoiseLevels) -> Gaussian {
    let (sampler, fresh) = sampler(row);
    let count = data.mean.len();
    let start = Gaussian { mean: vec![0.0; count], std: vec![levels.first().hypot(1.0); count] };
    Affine::new(&sampler, data, levels, fresh, &Device::flex()).apply(&start)
}

/// The squared Fréchet distance between the data and what a row draws in `steps` steps.
pub fn distance(row: &str, data: &Gaussian, steps: usize) -> f64 {
    drawn(row, data, &levels(steps, 0.0)).frechet(data)
}

/// As [`distance`], without the last step to level 0: at the smallest level, to the data with that noise.
pub fn distance_short(row: &str, data: &Gaussian, steps: usize) -> f64 {
    drawn(row, data, &levels(steps, smallest())).frechet(&data.marginal(smallest()))
}

/// As [`distance`], with the paper's quadratic sub-sequence: squares, over 800 timesteps as in its authors' code.
pub fn distance_quadratic(row: &str, data: &Gaussian, steps: usize) -> f64 {
    let stride = 800_f64.sqrt() / (steps - 1) as f64;
    let tau: Vec<f64> = (0..steps).rev().map(|i| (i as f64 * stride).powi(2).floor()).collect();
    drawn(row, data, &levels_at(&tau, 0.0)).frechet(data)
}

/// The standard deviation of the last coordinate of what a row draws, as a share of the data's.
pub fn finest(row: &str, data: &Gaussian, steps: usize) -> f64 {
    let drawn = drawn(row, data, &levels(steps, 0.0));
    drawn.std.last().expect("a coordinate") / data.std.last().expect("a coordinate")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problems::pixels;

    /// Song et al. 2021, table 1.
    #[test]
    fn the_pattern_is_the_papers() {
        let data = pixels();
        for (i, steps) in STEPS.into_iter().enumerate() {
            let measured = PAPER.map(|(row, _)| distance(row, &data, steps));
            for (a, b) in (0..5).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let (published, (row_a, fid_a), (row_b, fid_b)) = (PAPER[a].1[i] > PAPER[b].1[i], PAPER[a], PAPER[b]);
                let figures = format!("{} and {}, published {} and {}", measured[a], measured[b], fid_a[i], fid_b[i]);
                assert_eq!(measured[a] > measured[b], published, "{row_a} and {row_b} in {steps} steps: {figures}");
            }
        }
    }

    /// The last step is what makes the large variance the best in 1000 steps here, where no network errs.
    #[test]
    fn without_the_last_step_no_noise_is_the_best_in_a_thousand_steps() {
        let [zero, one, hat] = ["0", "1", "hat-sigma"].map(|row| distance_short(row, &pixels(), 1000));
        assert!(zero < hat && hat < one, "{zero} {hat} {one}");
    }
}
