use burn::tensor::{Tensor, TensorData};
use sd_samplers::{DenoiseError, Denoiser};

/// Data whose coordinates are independent and normal: `N(mean, diag(std²))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    /// The mean of each coordinate.
    pub mean: Vec<f64>,
    /// The standard deviation of each coordinate.
    pub std: Vec<f64>,
}

impl Gaussian {
    /// Returns the exact denoiser, `(std²·x + sigma²·mean)/(std² + sigma²)`, for images `[batch, channels, coordinates,
    /// width]`. It does not fail.
    pub fn denoiser(&self) -> impl Denoiser {
        |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, DenoiseError> {
            let of_x = self.column(&x, |_, s| s * s / (s * s + sigma * sigma));
            let constant = self.column(&x, |m, s| m * sigma * sigma / (s * s + sigma * sigma));
            Ok(x * of_x + constant)
        }
    }

    /// Follows the probability-flow path through `x` from noise level `from` to level `to`:
    /// `mean + (x − mean)·sqrt((std² + to²)/(std² + from²))`.
    ///
    /// # Shapes
    ///
    /// - x: `[batch, channels, coordinates, width]`
    /// - output: as x
    pub fn path(&self, x: Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        let shrink = |s: f64| ((s * s + to * to) / (s * s + from * from)).sqrt();
        let of_x = self.column(&x, |_, s| shrink(s));
        let constant = self.column(&x, |m, s| m * (1.0 - shrink(s)));
        x * of_x + constant
    }

    /// Returns the data with noise of level `sigma` added.
    pub fn marginal(&self, sigma: f64) -> Self {
        Self { mean: self.mean.clone(), std: self.std.iter().map(|s| s.hypot(sigma)).collect() }
    }

    /// The squared Fréchet distance between two Gaussians, `|mean − mean'|² + |std − std'|²` (Dowson & Landau 1982, for
    /// diagonal covariances), which FID estimates.
    ///
    /// # Panics
    ///
    /// Panics if their numbers of coordinates differ.
    pub fn frechet(&self, other: &Self) -> f64 {
        let squares = |a: &[f64], b: &[f64]| {
            assert_eq!(a.len(), b.len(), "Gaussians of {} and {} coordinates", a.len(), b.len());
            a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
        };
        squares(&self.mean, &other.mean) + squares(&self.std, &other.std)
    }

    /// Computes a value from the mean and the standard deviation of each coordinate, as a column that multiplies images
    /// like `x`.
    pub(crate) fn column(&self, x: &Tensor<4>, value: impl Fn(f64, f64) -> f64) -> Tensor<4> {
        let values: Vec<f64> = self.mean.iter().zip(&self.std).map(|(&m, &s)| value(m, s)).collect();
        Tensor::from_data(TensorData::new(values, [1, 1, self.mean.len(), 1]), (&x.device(), x.dtype()))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{images, points};

    fn gaussian() -> Gaussian {
        Gaussian { mean: vec![0.4, -3.0], std: vec![0.5, 2.0] }
    }

    fn tensor<const N: usize>(points: [[f64; 2]; N]) -> Tensor<4> {
        images(&points, &Device::flex())
    }

    /// The path's own equation, `dx/dsigma = (x − denoised)/sigma`, by a central difference.
    #[test]
    fn the_path_runs_along_the_denoiser() {
        let (gaussian, x, sigma, h) = (gaussian(), tensor([[7.0, 1.0], [-1.0, 0.2]]), 1.5, 1e-5);
        let difference = gaussian.path(x.clone(), sigma, sigma + h) - gaussian.path(x.clone(), sigma, sigma - h);
        let denoised = gaussian.denoiser().denoise(x.clone(), sigma).unwrap();
        let residue = difference / (2.0 * h) - (x - denoised) / sigma;
        assert!(points::<2>(residue).iter().flatten().all(|r| r.abs() < 1e-9));
    }

    #[test]
    fn the_path_carries_the_marginal_to_the_marginal() {
        let (gaussian, from, to) = (gaussian(), 12.0, 0.1);
        let at_std = |sigma| {
            let marginal = gaussian.marginal(sigma);
            tensor([[marginal.mean[0] + marginal.std[0], marginal.mean[1] - marginal.std[1]]])
        };
        let residue = gaussian.path(at_std(from), from, to) - at_std(to);
        assert!(points::<2>(residue).iter().flatten().all(|r| r.abs() < 1e-14));
    }

    #[test]
    fn the_frechet_distance_adds_the_squares_of_both_differences() {
        let other = Gaussian { mean: vec![1.4, -3.0], std: vec![0.5, 4.0] };
        assert!((gaussian().frechet(&other) - 5.0).abs() < 1e-14);
        assert_eq!(gaussian().frechet(&gaussian()), 0.0);
    }
}
