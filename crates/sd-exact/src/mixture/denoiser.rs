use burn::tensor::Tensor;
use sd_samplers::{DenoiseError, Denoiser};

use super::{Component, Mixture, square};
use crate::{images, points};

impl Mixture {
    /// Returns the exact denoiser, for images `[1, 1, 2, count]`. It computes on the host and does not fail.
    pub fn denoiser(&self) -> impl Denoiser {
        |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, DenoiseError> {
            let (device, dtype) = (x.device(), x.dtype());
            let denoised: Vec<[f64; 2]> = points(x).into_iter().map(|x| self.denoised(x, sigma)).collect();
            Ok(images(&denoised, &device).cast(dtype))
        }
    }

    /// The mean of the data behind a point at noise level `sigma`.
    fn denoised(&self, x: [f64; 2], sigma: f64) -> [f64; 2] {
        self.posterior(x, sigma, |c, variance, x, mean| (c.std * c.std * x + sigma * sigma * mean) / variance)
    }

    /// The mean of the noise behind a point at noise level `sigma`, which may be 0.
    pub(super) fn eps(&self, x: [f64; 2], sigma: f64) -> [f64; 2] {
        self.posterior(x, sigma, |_, variance, x, mean| sigma * (x - mean) / variance)
    }

    /// The mean of `mean` over the components that a point may come from. For one coordinate, `mean` takes a component,
    /// its variance at level `sigma`, and the coordinates of the point and of the component's mean.
    fn posterior(&self, x: [f64; 2], sigma: f64, mean: impl Fn(&Component, f64, f64, f64) -> f64) -> [f64; 2] {
        let variance = |c: &Component| c.std * c.std + sigma * sigma;
        let log = |c: &Component| (c.weight / variance(c)).ln() - square(x, c.mean) / (2.0 * variance(c));
        // Subtract the largest before the exponential, so that far from all means one component remains.
        let largest = self.0.iter().map(log).fold(f64::NEG_INFINITY, f64::max);
        let (mut total, mut sum) = (0.0, [0.0; 2]);
        for c in &self.0 {
            let share = (log(c) - largest).exp();
            total += share;
            for (sum, (x, m)) in sum.iter_mut().zip(x.into_iter().zip(c.mean)) {
                *sum += share * mean(c, variance(c), x, m);
            }
        }
        sum.map(|sum| sum / total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tweedie's formula: the noise is `−sigma` times the slope of the log density.
    #[test]
    fn the_noise_is_the_slope_of_the_density() {
        let (data, sigma, h) = (Mixture::ring(), 0.6, 1e-5);
        for x in [[0.3, 0.1], [-1.4, 0.8], [2.0, -2.0]] {
            let eps = data.eps(x, sigma);
            for (i, eps) in eps.into_iter().enumerate() {
                let log = |h| {
                    let mut x = x;
                    x[i] += h;
                    data.marginal(sigma).density(x).ln()
                };
                assert!((eps + sigma * (log(h) - log(-h)) / (2.0 * h)).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn a_point_is_its_denoised_image_and_its_noise() {
        let (data, x) = (Mixture::ring(), [0.7, -0.2]);
        for sigma in [0.05, 0.8, 14.0] {
            let (denoised, eps) = (data.denoised(x, sigma), data.eps(x, sigma));
            assert!((0..2).all(|i| (denoised[i] + sigma * eps[i] - x[i]).abs() < 1e-14));
        }
    }

    #[test]
    fn far_from_all_data_the_nearest_component_is_what_remains() {
        let data = Mixture::ring();
        let denoised = data.denoised([1e6, 0.0], 1e-3);
        let (s2, n2) = (data.0[3].std.powi(2), 1e-6);
        // The widest component, though not the nearest, has the largest density there.
        assert!((denoised[0] / ((s2 * 1e6 + n2 * data.0[3].mean[0]) / (s2 + n2)) - 1.0).abs() < 1e-12);
    }
}
