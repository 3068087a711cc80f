use burn::tensor::Tensor;

use super::Mixture;
use crate::{images, points};

/// Number of steps of a path, with an error below 1e-11.
const STEPS: usize = 2000;

impl Mixture {
    /// Follows the probability-flow paths through `x` from noise level `from` to level `to ≥ 0`, to 1e-11.
    ///
    /// # Shapes
    ///
    /// - x: `[1, 1, 2, count]`
    /// - output: as x
    pub fn path(&self, x: Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        self.path_in(STEPS, x, from, to)
    }

    /// The classical Runge–Kutta method of order 4 in `tau`, with `sigma = scale·sinh(tau)`. Its steps are even in
    /// `log sigma` above the smallest standard deviation and even in `sigma` below, so that it can reach level 0.
    fn path_in(&self, steps: usize, x: Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        let scale = self.0.iter().map(|c| c.std).fold(f64::INFINITY, f64::min);
        let tau = |sigma: f64| (sigma / scale).asinh();
        let h = (tau(to) - tau(from)) / steps as f64;
        let slope = |x, tau: f64| self.eps(x, scale * tau.sinh()).map(|eps| eps * scale * tau.cosh());
        let step = |x, i| {
            let tau = tau(from) + h * i as f64;
            let k1 = slope(x, tau);
            let k2 = slope(along(x, k1, h / 2.0), tau + h / 2.0);
            let k3 = slope(along(x, k2, h / 2.0), tau + h / 2.0);
            let k4 = slope(along(x, k3, h), tau + h);
            along(x, std::array::from_fn(|i| (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]) / 6.0), h)
        };
        let device = x.device();
        let ends: Vec<[f64; 2]> = points(x).into_iter().map(|x| (0..steps).fold(x, step)).collect();
        images(&ends, &device)
    }
}

/// `x + slope·h`.
fn along(x: [f64; 2], slope: [f64; 2], h: f64) -> [f64; 2] {
    std::array::from_fn(|i| x[i] + slope[i] * h)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::layout::values;
    use crate::{Component, Gaussian};

    const STARTS: [[f64; 2]; 4] = [[-9.0, 4.0], [2.0, 0.5], [11.0, 13.0], [-0.4, -6.0]];

    fn distance(a: Tensor<4>, b: Tensor<4>) -> f64 {
        values((a - b).abs()).into_iter().fold(0.0, f64::max)
    }

    #[test]
    fn half_the_steps_give_the_same_path() {
        let (data, x) = (Mixture::ring(), images(&STARTS, &Device::flex()));
        for (from, to) in [(14.6, 0.0), (10.0, 0.07)] {
            let distance =
                distance(data.path_in(STEPS, x.clone(), from, to), data.path_in(STEPS / 2, x.clone(), from, to));
            // The error of the whole path is sixteen times smaller.
            assert!(distance < 1e-10, "{distance:e}");
        }
    }

    #[test]
    fn the_path_of_a_single_component_is_known() {
        let data = Mixture(vec![Component { weight: 1.0, mean: [0.4, -1.0], std: 0.5 }]);
        let gaussian = Gaussian { mean: vec![0.4, -1.0], std: vec![0.5; 2] };
        let x = images(&STARTS, &Device::flex());
        for to in [0.1, 0.0] {
            let distance = distance(data.path(x.clone(), 14.6, to), gaussian.path(x.clone(), 14.6, to));
            assert!(distance < 1e-11, "{distance:e}");
        }
    }
}
