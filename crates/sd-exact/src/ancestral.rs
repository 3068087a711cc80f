use burn::tensor::Tensor;
use sd_samplers::{DenoiseError, Denoiser, Estimate};
use sd_schedule::NoiseLevels;

use crate::Gaussian;

/// The exact denoiser of [`Gaussian`] data, which also knows the best variance of each step down some levels.
///
/// An image at level `from` is normal at the lower level `to`, given what it is at `from`, with the variance
/// `(std² + to²)·(from² − to²)/(std² + from²)`. The [estimate](Estimate::variance) is where the logarithm of this lies between those
/// of DDPM's small and large variance, as a network with a learned range says it: at −1 for data of a single point, at 1 for white
/// noise, and beyond 1 for wider data.
#[derive(Debug, Clone)]
pub struct Ancestral<'a> {
    data: &'a Gaussian,
    levels: &'a NoiseLevels,
}

impl Gaussian {
    /// The exact denoiser with the best variances for the steps of these levels. For levels without a step from them, and for the
    /// step to no noise, it knows none.
    pub fn ancestral<'a>(&'a self, levels: &'a NoiseLevels) -> Ancestral<'a> {
        Ancestral { data: self, levels }
    }
}

impl Denoiser for Ancestral<'_> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        self.data.denoiser().denoise(x, sigma)
    }

    fn estimate(&mut self, x: Tensor<4>, sigma: f64) -> Result<Estimate, DenoiseError> {
        let step = self.levels.pairs().find(|(from, to)| *from == sigma && *to > 0.0);
        let variance = step.map(|(from, to)| {
            let column = self.data.column(&x, |_, std| range(std * std, from * from, to * to));
            x.zeros_like() + column
        });
        Ok(Estimate { denoised: self.denoise(x, sigma)?, variance })
    }
}

/// Where the logarithm of the best variance lies, from the squares of the data's deviation and of both levels.
fn range(std: f64, from: f64, to: f64) -> f64 {
    let best = (std + to) * (from - to) / (std + from);
    let (small, large) = (to / from * (from - to), (from - to) * (1.0 + to) / (1.0 + from));
    2.0 * (best / small).ln() / (large / small).ln() - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_variances_of_ddpm_are_best_for_a_point_and_for_white_noise() {
        assert!((range(0.0, 9.0, 2.0) + 1.0).abs() < 1e-14);
        assert!((range(1.0, 9.0, 2.0) - 1.0).abs() < 1e-14);
        assert!(range(0.25, 9.0, 2.0).abs() < 1.0 && range(4.0, 9.0, 2.0) > 1.0);
    }
}
