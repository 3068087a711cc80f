use burn::tensor::{Tensor, TensorData};
use sd_schedule::{NoiseSchedule, Prediction};

use crate::Weighting;

/// What a network learns: to predict the noise in images, for a given noise schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// The noise of each timestep.
    pub schedule: NoiseSchedule,
    /// What the network's output means.
    pub prediction: Prediction,
    /// How much the loss at each timestep counts.
    pub weighting: Weighting,
}

/// Noisy images, and what the network should predict for them.
#[derive(Debug, Clone)]
pub struct NoisyImages {
    /// The network's input, `sqrt(alpha_bar)·x0 + sqrt(1 − alpha_bar)·eps`: `[batch, channels, height, width]`.
    pub x: Tensor<4>,
    /// The right prediction, of the same shape.
    pub target: Tensor<4>,
    /// The timestep of each image.
    pub t: Vec<usize>,
}

impl Objective {
    /// Mixes images with noise (Ho et al. 2020, equation 4).
    ///
    /// # Shapes
    ///
    /// - x0, eps: `[batch, channels, height, width]`; `eps` of the standard normal distribution
    /// - t: `batch` timesteps of the schedule
    ///
    /// # Panics
    ///
    /// Panics if the shapes are not as above, if a timestep is not in the schedule, or for [`Prediction::Flow`].
    pub fn add_noise(&self, x0: Tensor<4>, t: Vec<usize>, eps: Tensor<4>) -> NoisyImages {
        assert_eq!(x0.dims(), eps.dims(), "noise and images differ in shape");
        let signal: Vec<f64> = t.iter().map(|&t| self.schedule.alpha_bar(t).sqrt()).collect();
        let noise: Vec<f64> = t.iter().map(|&t| (1.0 - self.schedule.alpha_bar(t)).sqrt()).collect();
        let (signal, noise) = (per_image(&signal, &x0), per_image(&noise, &x0));
        let x = x0.clone() * signal.clone() + eps.clone() * noise.clone();
        let target = match self.prediction {
            Prediction::Eps => eps,
            Prediction::V => eps * signal - x0 * noise,
            Prediction::X0 => x0,
            other => panic!("variance-preserving images have no prediction {other:?}"),
        };
        NoisyImages { x, target, t }
    }

    /// The clean images that the network's predictions for noisy images mean.
    ///
    /// # Shapes
    ///
    /// - x, predicted and output: `[batch, channels, height, width]`
    /// - t: `batch` timesteps of the schedule
    ///
    /// # Panics
    ///
    /// As [`add_noise`](Self::add_noise).
    pub fn denoised(&self, x: Tensor<4>, t: &[usize], predicted: Tensor<4>) -> Tensor<4> {
        let signal: Vec<f64> = t.iter().map(|&t| self.schedule.alpha_bar(t).sqrt()).collect();
        let noise: Vec<f64> = t.iter().map(|&t| (1.0 - self.schedule.alpha_bar(t)).sqrt()).collect();
        let (signal, noise) = (per_image(&signal, &x), per_image(&noise, &x));
        match self.prediction {
            Prediction::Eps => (x - predicted * noise) / signal,
            Prediction::V => x * signal - predicted * noise,
            Prediction::X0 => predicted,
            other => panic!("variance-preserving images have no prediction {other:?}"),
        }
    }

    /// The weighted mean squared error of the prediction for each image: `[batch]`.
    pub fn losses(&self, noisy: &NoisyImages, predicted: Tensor<4>) -> Tensor<1> {
        self.weighted((predicted - noisy.target.clone()).square(), noisy)
    }

    /// The same, where the squared errors are first multiplied by a mask, as in kohya's programs (`apply_masked_loss`): the mean is over
    /// all values, so an image with a small mask counts less.
    ///
    /// # Shapes
    ///
    /// - mask: `[batch, 1, height, width]`, from 0 to 1
    pub fn losses_in(&self, mask: Tensor<4>, noisy: &NoisyImages, predicted: Tensor<4>) -> Tensor<1> {
        self.weighted((predicted - noisy.target.clone()).square() * mask, noisy)
    }

    fn weighted(&self, errors: Tensor<4>, noisy: &NoisyImages) -> Tensor<1> {
        let errors = mean_of_each(errors);
        let weight = |&t: &usize| self.weighting.weight(self.prediction, self.schedule.alpha_bar(t));
        let weights: Vec<f64> = noisy.t.iter().map(weight).collect();
        scale_each(errors, &weights)
    }
}

/// The mean of the values of each image: `[batch]`.
pub(crate) fn mean_of_each(images: Tensor<4>) -> Tensor<1> {
    images.flatten::<2>(1, 3).mean_dim(1).squeeze_dim(1)
}

/// Multiplies each value by its factor.
pub(crate) fn scale_each(values: Tensor<1>, factors: &[f64]) -> Tensor<1> {
    let factors = TensorData::new(factors.to_vec(), [factors.len()]);
    let factors = Tensor::from_data(factors, (&values.device(), values.dtype()));
    values * factors
}

/// Returns one value per image as `[batch, 1, 1, 1]`, which multiplies images.
pub(crate) fn per_image(values: &[f64], images: &Tensor<4>) -> Tensor<4> {
    let values = TensorData::new(values.to_vec(), [values.len(), 1, 1, 1]);
    Tensor::from_data(values, (&images.device(), images.dtype()))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device};
    use sd_schedule::BetaSchedule;

    use super::*;

    fn objective(prediction: Prediction) -> Objective {
        let schedule = NoiseSchedule::from_betas(&BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap());
        Objective { schedule: schedule.unwrap(), prediction, weighting: Weighting::Simple }
    }

    fn tensor(values: &[f64]) -> Tensor<4> {
        let data = TensorData::new(values.to_vec(), [values.len() / 2, 1, 1, 2]);
        Tensor::from_data(data, (&Device::flex(), DType::F64))
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        tensor.into_data().try_to_vec().unwrap()
    }

    const X0: [f64; 4] = [0.3, -1.0, 0.8, 0.1];
    const EPS: [f64; 4] = [1.2, 0.4, -0.6, -2.0];

    fn noisy(prediction: Prediction) -> NoisyImages {
        objective(prediction).add_noise(tensor(&X0), vec![10, 700], tensor(&EPS))
    }

    #[test]
    fn images_are_mixed_with_noise_so_that_their_variance_stays() {
        let x = values(noisy(Prediction::Eps).x);
        for (i, x) in x.iter().enumerate() {
            let alpha_bar: f64 = objective(Prediction::Eps).schedule.alpha_bar([10, 700][i / 2]);
            assert!((x - (alpha_bar.sqrt() * X0[i] + (1.0 - alpha_bar).sqrt() * EPS[i])).abs() < 1e-12);
        }
    }

    /// The samplers' own reading of the right prediction gives the image back.
    #[test]
    fn samplers_find_the_image_in_the_right_prediction() {
        for prediction in [Prediction::Eps, Prediction::V, Prediction::X0] {
            let noisy = noisy(prediction);
            let denoised = values(objective(prediction).denoised(noisy.x.clone(), &noisy.t, noisy.target.clone()));
            let (x, target) = (values(noisy.x), values(noisy.target));
            for i in 0..4 {
                let sigma = objective(prediction).schedule.sigma([10.0, 700.0][i / 2]);
                let (c_skip, c_out) = prediction.coefficients(sigma);
                let exploding = x[i] / sd_schedule::input_scale(sigma);
                assert!((c_skip * exploding + c_out * target[i] - X0[i]).abs() < 1e-12, "{prediction:?}");
                assert!((denoised[i] - X0[i]).abs() < 1e-12, "{prediction:?}");
            }
        }
    }

    #[test]
    fn errors_count_as_much_as_their_mask_says() {
        let objective = Objective { weighting: Weighting::MinSnr { gamma: 5.0 }, ..objective(Prediction::V) };
        let noisy = objective.add_noise(tensor(&X0), vec![10, 700], tensor(&EPS));
        let predicted = noisy.target.clone() + tensor(&[1.0, 2.0, 3.0, 5.0]);
        let mask = tensor(&[1.0, 0.5, 0.0, 0.25]);
        let losses = values(objective.losses_in(mask, &noisy, predicted.clone()));
        for (loss, (t, square)) in losses.iter().zip([(10, (1.0 + 0.5 * 4.0) / 2.0), (700, 0.25 * 25.0 / 2.0)]) {
            let weight = objective.weighting.weight(Prediction::V, objective.schedule.alpha_bar(t));
            assert!((loss - weight * square).abs() < 1e-12);
        }
        let whole = values(objective.losses_in(tensor(&[1.0; 4]), &noisy, predicted.clone()));
        assert_eq!(whole, values(objective.losses(&noisy, predicted)));
    }

    #[test]
    fn each_image_has_the_weighted_mean_of_its_squared_errors() {
        let objective = Objective { weighting: Weighting::MinSnr { gamma: 5.0 }, ..objective(Prediction::V) };
        let noisy = objective.add_noise(tensor(&X0), vec![10, 700], tensor(&EPS));
        let predicted = noisy.target.clone() + tensor(&[1.0, 2.0, 3.0, 5.0]);
        let losses = values(objective.losses(&noisy, predicted));
        for (loss, (t, square)) in losses.iter().zip([(10, 2.5), (700, 17.0)]) {
            let weight = objective.weighting.weight(Prediction::V, objective.schedule.alpha_bar(t));
            assert!((loss - weight * square).abs() < 1e-12);
        }
    }
}
