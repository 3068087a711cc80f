mod denoiser;
mod path;

use std::f64::consts::TAU;

use burn::tensor::{Device, Tensor};
use sd_samplers::Noise;

use crate::images;

/// A round Gaussian in the plane, a component of a [`Mixture`].
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Its share of the mixture.
    pub weight: f64,
    /// Its mean.
    pub mean: [f64; 2],
    /// Its standard deviation in any direction.
    pub std: f64,
}

/// Data in the plane that is a mixture of round Gaussians; their weights add up to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture(pub Vec<Component>);

impl Mixture {
    /// Four unequal components around the origin that touch each other. At high noise they are one; below about level 1
    /// an image has to decide between them.
    pub fn ring() -> Self {
        let component = |weight, x, y, std| Component { weight, mean: [x, y], std };
        Self(vec![
            component(0.4, 1.2, 0.3, 0.40),
            component(0.3, -0.2, 1.1, 0.50),
            component(0.2, -1.3, -0.1, 0.45),
            component(0.1, 0.1, -1.0, 0.55),
        ])
    }

    /// Returns the data with noise of level `sigma` added.
    pub fn marginal(&self, sigma: f64) -> Self {
        Self(self.0.iter().map(|c| Component { std: c.std.hypot(sigma), ..c.clone() }).collect())
    }

    /// The density of the data at a point.
    pub fn density(&self, x: [f64; 2]) -> f64 {
        let density = |c: &Component| {
            let variance = c.std * c.std;
            c.weight * (-square(x, c.mean) / (2.0 * variance)).exp() / (TAU * variance)
        };
        self.0.iter().map(density).sum()
    }

    /// The mean of the data.
    pub fn mean(&self) -> [f64; 2] {
        std::array::from_fn(|i| self.0.iter().map(|c| c.weight * c.mean[i]).sum())
    }

    /// The covariance matrix of the data.
    pub fn covariance(&self) -> [[f64; 2]; 2] {
        let mean = self.mean();
        let part = |c: &Component, i: usize, j: usize| {
            let within = if i == j { c.std * c.std } else { 0.0 };
            c.weight * (within + (c.mean[i] - mean[i]) * (c.mean[j] - mean[j]))
        };
        std::array::from_fn(|i| std::array::from_fn(|j| self.0.iter().map(|c| part(c, i, j)).sum()))
    }

    /// Draws about `count` points: of each component its share by weight, rounded, with normal noise.
    ///
    /// # Shapes
    ///
    /// - output: `[1, 1, 2, about count]`
    pub fn draw(&self, count: usize, noise: &mut dyn Noise, device: &Device) -> Tensor<4> {
        let draw = |c: &Component| {
            let means = images(&vec![c.mean; (c.weight * count as f64).round() as usize], device);
            noise.start(&means) * c.std + means
        };
        Tensor::cat(self.0.iter().map(draw).collect(), 3)
    }
}

/// The squared distance of two points.
fn square(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

#[cfg(test)]
mod tests {
    use sd_samplers::TorchNoise;

    use super::*;
    use crate::points;

    /// Sums over a grid of the plane are exact integrals of smooth functions that vanish at its border.
    #[test]
    fn density_mean_and_covariance_belong_together() {
        let (data, h) = (Mixture::ring().marginal(0.3), 0.1);
        let (mut total, mut mean, mut square) = (0.0, [0.0; 2], [[0.0; 2]; 2]);
        for (i, j) in (-60..=60).flat_map(|i| (-60..=60).map(move |j| (i, j))) {
            let x = [h * f64::from(i), h * f64::from(j)];
            let mass = data.density(x) * h * h;
            total += mass;
            for i in 0..2 {
                mean[i] += mass * x[i];
                (0..2).for_each(|j| square[i][j] += mass * x[i] * x[j]);
            }
        }
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        for i in 0..2 {
            assert!((mean[i] - data.mean()[i]).abs() < 1e-12);
            for j in 0..2 {
                assert!((square[i][j] - mean[i] * mean[j] - data.covariance()[i][j]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn points_are_drawn_from_the_data() {
        let (data, count) = (Mixture::ring(), 10_000);
        let drawn = points::<2>(data.draw(count, &mut TorchNoise::new(0), &Device::flex()));
        assert_eq!(drawn.len(), count);
        for i in 0..2 {
            let mean = drawn.iter().map(|x| x[i]).sum::<f64>() / count as f64;
            let variance = drawn.iter().map(|x| (x[i] - mean).powi(2)).sum::<f64>() / count as f64;
            // Four standard errors: 0.01 of a mean, 1.4 percent of a normal's variance.
            assert!((mean - data.mean()[i]).abs() < 0.04, "mean {mean}");
            assert!((variance / data.covariance()[i][i] - 1.0).abs() < 0.06, "variance {variance}");
        }
    }
}
