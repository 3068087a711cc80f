//! The data on which samplers are measured. Their exact denoisers and the ends of their paths are known.

use burn::tensor::{Device, Tensor};
use sd_exact::{Component, Gaussian, Mixture, images, points};

/// Returns a Gaussian with an image's falling spectrum: coordinate `k` of `count` has standard deviation `scale/k^power`,
/// and a mean of half that, with alternating signs.
pub fn spectrum(count: usize, scale: f64, power: f64) -> Gaussian {
    let std: Vec<f64> = (1..=count).map(|k| scale / (k as f64).powf(power)).collect();
    let mean = std.iter().enumerate().map(|(i, s)| if i % 2 == 0 { s / 2.0 } else { -s / 2.0 }).collect();
    Gaussian { mean, std }
}

/// Returns data like Stable Diffusion's latents: 16 coordinates whose standard deviations fall as `1/k^power`, with mean
/// square 1.
pub fn latents_falling(power: f64) -> Gaussian {
    let sum: f64 = (1..=16).map(|k| f64::from(k).powf(-2.0 * power)).sum();
    spectrum(16, (16.0 / sum).sqrt(), power)
}

/// The data of the ranking: latents with standard deviations from 3.2 to 0.2, falling as `1/k`.
pub fn latents() -> Gaussian {
    latents_falling(1.0)
}

/// The data of the table of eta, like the pixels of small images: 64 coordinates, with standard deviations from 1 to 1/64.
pub fn pixels() -> Gaussian {
    spectrum(64, 1.0, 1.0)
}

/// Data so wide that paths bend from the first step on. On narrower data, other errors hide those of the first steps.
pub fn wide_gaussian() -> Gaussian {
    Gaussian { mean: vec![0.4, 1.0], std: vec![0.5, 4.0] }
}

/// The ring of `sd_exact`, four times as large, for the same reason.
pub fn wide_mixture() -> Mixture {
    let wide = |c: Component| Component { mean: c.mean.map(|m| 4.0 * m), std: 4.0 * c.std, ..c };
    Mixture(Mixture::ring().0.into_iter().map(wide).collect())
}

/// Images of a mixture at a level, and where their paths end.
pub struct Paths {
    /// The data.
    pub data: Mixture,
    /// The starts: `[1, 1, 2, count]`.
    pub start: Tensor<4>,
    /// The ends, of the same shape.
    pub end: Tensor<4>,
}

impl Paths {
    /// Computes the paths of 96 images from level `from` to level `to`. They start evenly over the normal distribution
    /// with the moments of the data at `from`: on 8 rings that divide it into equal shares, 12 images on each.
    pub fn new(data: Mixture, from: f64, to: f64) -> Self {
        let noisy = data.marginal(from);
        let (mean, covariance) = (noisy.mean(), noisy.covariance());
        let points: Vec<[f64; 2]> = (0..96)
            .map(|i| {
                let share = (f64::from(i / 12) + 0.5) / 8.0;
                let radius = (-2.0 * (1.0 - share).ln()).sqrt();
                let angle = std::f64::consts::TAU * (f64::from(i) / 12.0 + share);
                [
                    mean[0] + radius * angle.cos() * covariance[0][0].sqrt(),
                    mean[1] + radius * angle.sin() * covariance[1][1].sqrt(),
                ]
            })
            .collect();
        let start = images(&points, &Device::flex());
        Self { end: data.path(start.clone(), from, to), start, data }
    }

    /// The root-mean-square distance of images that were drawn from the starts, of the same shape, from the ends.
    pub fn error(&self, drawn: Tensor<4>) -> f64 {
        let residues = points::<2>(drawn - self.end.clone());
        (residues.iter().map(|[x, y]| x * x + y * y).sum::<f64>() / residues.len() as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latents_have_a_mean_square_of_one() {
        let square = latents().std.iter().map(|s| s * s).sum::<f64>() / 16.0;
        assert!((square - 1.0).abs() < 1e-14, "{square}");
    }

    #[test]
    fn images_start_all_around_the_mean_of_the_data() {
        let paths = Paths::new(Mixture::ring(), 14.6, 1.0);
        let points = points::<2>(paths.start);
        for i in 0..2 {
            let mean = points.iter().map(|x| x[i]).sum::<f64>() / 96.0;
            assert!((mean - Mixture::ring().mean()[i]).abs() < 1e-12, "{mean}");
        }
    }
}
