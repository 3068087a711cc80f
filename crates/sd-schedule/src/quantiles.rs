//! Grids at the quantiles of Beta(0.6, 0.6), the distribution that Lee et al. (2024) found best.

use statrs::distribution::{Beta, ContinuousCDF};

use crate::linspace::linspace;

/// Both shape parameters of the distribution.
const SHAPE: f64 = 0.6;

/// `steps` falling timesteps from `last`, rounded to whole ones if they stay distinct.
pub(crate) fn timesteps(last: f64, steps: usize) -> Vec<f64> {
    let exact: Vec<f64> = quantiles(linspace(1.0, 0.0, steps + 1).take(steps)).map(|q| q * last).collect();
    let whole: Vec<f64> = exact.iter().map(|t| t.round_ties_even()).collect();
    if whole.windows(2).all(|w| w[0] > w[1]) { whole } else { exact }
}

/// `steps` falling levels from `max` to `min`.
pub(crate) fn between(max: f64, min: f64, steps: usize) -> impl Iterator<Item = f64> {
    quantiles(linspace(1.0, 0.0, steps)).map(move |q| min + q * (max - min))
}

/// Averaging from both sides makes the symmetry exact. The median times 999 ends in a half, so an error in the last digit
/// would round it down.
fn quantiles(probabilities: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    let beta = Beta::new(SHAPE, SHAPE).expect("the shape is positive");
    probabilities.map(move |p| 0.5 * (beta.inverse_cdf(p) + (1.0 - beta.inverse_cdf(1.0 - p))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_symmetric_and_reach_both_ends() {
        let all: Vec<f64> = quantiles(linspace(0.0, 1.0, 101)).collect();
        assert_eq!((all[0], all[50], all[100]), (0.0, 0.5, 1.0));
        for (low, high) in all.iter().zip(all.iter().rev()) {
            assert!((low + high - 1.0).abs() < 1e-14);
        }
    }

    /// The distribution's density is `x^-0.4 (1 − x)^-0.4` up to a factor; here its integral is a sum over many slices.
    #[test]
    fn the_distribution_between_two_quantiles_holds_the_difference_of_their_probabilities() {
        let mass = |from: f64, to: f64| {
            let slices = 10_000;
            let width = (to - from) / f64::from(slices);
            let density = |x: f64| (x * (1.0 - x)).powf(SHAPE - 1.0);
            (0..slices).map(|i| density(from + (f64::from(i) + 0.5) * width) * width).sum::<f64>()
        };
        let q: Vec<f64> = quantiles([0.1, 0.2, 0.5, 0.7].into_iter()).collect();
        assert!((mass(q[1], q[2]) / mass(q[0], q[1]) - 3.0).abs() < 1e-6);
        assert!((mass(q[2], q[3]) / mass(q[0], q[1]) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn timesteps_are_whole_until_they_would_repeat() {
        assert!(timesteps(999.0, 50).iter().all(|t| t.fract() == 0.0));
        assert!(timesteps(999.0, 500).iter().any(|t| t.fract() != 0.0));
    }
}
