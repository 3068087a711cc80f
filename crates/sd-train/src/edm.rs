use burn::tensor::Tensor;
use sd_schedule::Edm;

use crate::objective::{mean_of_each, per_image};

/// What a network learns by EDM (Karras et al. 2022, section 5): to denoise images at levels between little and much noise, with a
/// weight that makes its right output equally large at each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdmObjective {
    /// The noise process.
    pub process: Edm,
    /// The mean of the natural logarithm of the levels, `P_mean`: −1.2 in the paper.
    pub log_mean: f64,
    /// The standard deviation of that logarithm, `P_std`: 1.2 in the paper.
    pub log_std: f64,
}

impl EdmObjective {
    /// As in the paper (table 1).
    pub fn new(process: Edm) -> Self {
        Self { process, log_mean: -1.2, log_std: 1.2 }
    }

    /// The level of a draw from the standard normal distribution.
    pub fn sigma(&self, normal: f64) -> f64 {
        (self.log_mean + self.log_std * normal).exp()
    }

    /// Adds noise to images; returns the network's input and its right output, `(x0 − c_skip·x)/c_out`.
    ///
    /// # Shapes
    ///
    /// - x0, eps and outputs: `[batch, channels, height, width]`; `eps` of the standard normal distribution
    /// - sigmas: `batch` levels above 0
    ///
    /// # Panics
    ///
    /// Panics if the shapes are not as above.
    pub fn add_noise(&self, x0: Tensor<4>, sigmas: &[f64], eps: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        assert_eq!(x0.dims(), eps.dims(), "noise and images differ in shape");
        let each = |value: &dyn Fn(f64) -> f64| per_image(&sigmas.iter().map(|s| value(*s)).collect::<Vec<_>>(), &x0);
        // Shares of image and noise in the right output, so that no small difference is divided.
        let of_image = each(&|sigma| {
            let (c_skip, c_out) = self.process.coefficients(sigma);
            (1.0 - c_skip) / c_out
        });
        let of_noise = each(&|sigma| {
            let (c_skip, c_out) = self.process.coefficients(sigma);
            c_skip * sigma / c_out
        });
        let (level, scale) = (each(&|sigma| sigma), each(&|sigma| self.process.c_in(sigma)));
        let target = x0.clone() * of_image - eps.clone() * of_noise;
        ((x0 + eps * level) * scale, target)
    }

    /// The clean images that the network's outputs for its inputs mean.
    ///
    /// # Shapes
    ///
    /// - input, predicted and output: `[batch, channels, height, width]`
    /// - sigmas: `batch` levels above 0
    pub fn denoised(&self, input: Tensor<4>, sigmas: &[f64], predicted: Tensor<4>) -> Tensor<4> {
        let each =
            |value: &dyn Fn(f64) -> f64| per_image(&sigmas.iter().map(|s| value(*s)).collect::<Vec<_>>(), &input);
        let skip = each(&|sigma| self.process.coefficients(sigma).0 / self.process.c_in(sigma));
        let out = each(&|sigma| self.process.coefficients(sigma).1);
        input * skip + predicted * out
    }

    /// The loss of each image: the mean squared error of the denoised image, times `(sigma² + sigma_data²)/(sigma·sigma_data)²`. This is
    /// that of the output itself: `[batch]`.
    pub fn losses(&self, target: Tensor<4>, predicted: Tensor<4>) -> Tensor<1> {
        mean_of_each((predicted - target).square())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};
    use sd_schedule::{Process, Ramp};

    use super::*;

    const X0: [f64; 3] = [0.3, -1.0, 0.8];
    const EPS: [f64; 3] = [1.2, 0.4, -0.6];
    const SIGMAS: [f64; 3] = [0.004, 0.5, 70.0];

    fn tensor(values: [f64; 3]) -> Tensor<4> {
        Tensor::from_data(TensorData::new(values.to_vec(), [3, 1, 1, 1]), (&Device::flex(), DType::F64))
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        tensor.into_data().try_to_vec().unwrap()
    }

    fn objectives() -> [EdmObjective; 2] {
        let other = Edm::new(1.0, 0.002, 120.0, Ramp::Exponential).unwrap().with_velocity();
        [Edm::default(), other].map(EdmObjective::new)
    }

    /// The samplers' own reading of the right output gives the image back.
    #[test]
    fn samplers_find_the_image_in_the_right_output() {
        for objective in objectives() {
            let (input, target) = objective.add_noise(tensor(X0), &SIGMAS, tensor(EPS));
            let denoised = values(objective.denoised(input.clone(), &SIGMAS, target.clone()));
            let (input, target) = (values(input), values(target));
            for i in 0..3 {
                let (x, numbers) =
                    (X0[i] + SIGMAS[i] * EPS[i], Process::Edm(objective.process).preconditioning(SIGMAS[i], false));
                assert!((input[i] - numbers.c_in * x).abs() < 1e-12);
                assert!((numbers.c_skip * x + numbers.c_out * target[i] - X0[i]).abs() < 1e-12, "{objective:?}");
                assert!((denoised[i] - X0[i]).abs() < 1e-12, "{objective:?}");
            }
        }
    }

    #[test]
    fn the_loss_is_the_weighted_one_of_the_denoised_image() {
        for objective in objectives() {
            let (_, target) = objective.add_noise(tensor(X0), &SIGMAS, tensor(EPS));
            let losses = values(objective.losses(target.clone(), target + tensor([0.1, -0.2, 0.3])));
            for (i, error) in [0.1, -0.2, 0.3_f64].into_iter().enumerate() {
                let (sigma, data) = (SIGMAS[i], objective.process.sigma_data());
                let weight = (sigma * sigma + data * data) / (sigma * data).powi(2);
                let of_image = objective.process.coefficients(sigma).1 * error;
                assert!((losses[i] - weight * of_image * of_image).abs() < 1e-12, "{objective:?}");
            }
        }
    }

    /// Normal data of the width that it is made for: the best output is 0, and costs 1 at every level.
    #[test]
    fn for_normal_data_no_output_is_the_best_and_costs_as_much_at_every_level() {
        for objective in objectives() {
            let data = objective.process.sigma_data();
            // Four draws that have the mean, the variances and no correlation of x0 and eps.
            let mut sums = [[0.0; 3]; 2];
            for (x0, eps) in [(data, 1.0), (data, -1.0), (-data, 1.0), (-data, -1.0)] {
                let (input, target) = objective.add_noise(tensor([x0; 3]), &SIGMAS, tensor([eps; 3]));
                for (i, (input, target)) in values(input).into_iter().zip(values(target)).enumerate() {
                    sums[0][i] += target * target / 4.0;
                    sums[1][i] += target * input / 4.0;
                }
            }
            assert!(sums[0].iter().all(|square| (square - 1.0).abs() < 1e-9), "{sums:?}");
            assert!(sums[1].iter().all(|product| product.abs() < 1e-9), "{sums:?}");
        }
    }
}
