use burn::tensor::Tensor;
use sd_samplers::{Denoiser, Sampler, TorchNoise, sample};
use sd_schedule::NoiseLevels;

use crate::layout::values;

/// Returns the largest error of any value when a deterministic sampler, started at `x`, should end at `exact`.
///
/// # Shapes
///
/// - x: `[batch, channels, height, width]`, at `levels.first()`
/// - exact: as x, at `levels.last()`
///
/// # Panics
///
/// Panics if the model fails, and as [`sample`] does.
pub fn error(
    sampler: &impl Sampler,
    model: &mut dyn Denoiser,
    x: &Tensor<4>,
    exact: &Tensor<4>,
    levels: &NoiseLevels,
) -> f64 {
    let drawn = sample(sampler, model, &mut TorchNoise::new(0), x.clone(), levels).expect("the model does not fail");
    values((drawn - exact.clone()).abs()).into_iter().fold(0.0, f64::max)
}

/// Fits the order of convergence to errors at different numbers of steps: the slope of `−log error` against
/// `log steps`, by least squares.
///
/// # Panics
///
/// Panics with fewer than two different numbers of steps, or if an error is not above 0.
pub fn order(errors: &[(usize, f64)]) -> f64 {
    assert!(errors.iter().all(|(_, error)| *error > 0.0), "an error is not above 0: {errors:?}");
    let logs = || errors.iter().map(|&(steps, error)| ((steps as f64).ln(), error.ln()));
    let count = errors.len() as f64;
    let (x_mean, y_mean) = (logs().map(|(x, _)| x).sum::<f64>() / count, logs().map(|(_, y)| y).sum::<f64>() / count);
    let (xx, xy) = logs()
        .fold((0.0, 0.0), |(xx, xy), (x, y)| (xx + (x - x_mean) * (x - x_mean), xy + (x - x_mean) * (y - y_mean)));
    assert!(xx > 0.0, "an order needs two numbers of steps: {errors:?}");
    -xy / xx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_a_power_is_its_exponent() {
        let errors: Vec<(usize, f64)> = [10, 20, 50].map(|n| (n, 7.0 * (n as f64).powf(-2.5))).to_vec();
        assert!((order(&errors) - 2.5).abs() < 1e-12);
    }
}
