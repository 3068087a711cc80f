//! The loss of a network that also learns the variance of DDPM's steps.

use std::f64::consts::{LN_2, PI, SQRT_2};

use burn::tensor::Tensor;

use crate::objective::{mean_of_each, per_image, scale_each};
use crate::{NoisyImages, Objective};

/// The weight of the bound of the likelihood (Nichol & Dhariwal 2021, section 3.1).
const LAMBDA: f64 = 0.001;

/// How likely images are after the last step, from timestep 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likelihood {
    /// The probability of bytes, as pixels from −1 to 1 (Ho et al. 2020, equation 13).
    Pixels,
    /// The density of latents, which are no bytes.
    Latents,
}

/// What a step from one timestep to the one before it needs, in variance-preserving form.
struct Step {
    /// Share of the clean image in the mean.
    of_image: f64,
    /// Logarithms of the smallest and the largest variance: those of DDPM.
    logs: [f64; 2],
}

impl Objective {
    /// The loss of each image for a network that also says the variance of DDPM's steps: its [simple loss](Self::losses), and 0.001 of the
    /// bound of the likelihood, in bits per value and summed over the timesteps (Nichol & Dhariwal 2021, equation 16). The bound
    /// teaches the variance alone, not the prediction.
    ///
    /// # Shapes
    ///
    /// - predicted: `[batch, 2·channels, height, width]`: the prediction, then where the variance's logarithm lies, from −1 for the
    ///   smallest to 1 for the largest
    /// - output: `[batch]`
    ///
    /// # Panics
    ///
    /// Panics if the shape differs.
    pub fn hybrid_losses(&self, noisy: &NoisyImages, predicted: Tensor<4>, likelihood: Likelihood) -> Tensor<1> {
        let [batch, channels, height, width] = noisy.x.dims();
        assert_eq!(
            predicted.dims(),
            [batch, 2 * channels, height, width],
            "a prediction and a variance for each value"
        );
        let (predicted, said) = (predicted.clone().narrow(1, 0, channels), predicted.narrow(1, channels, channels));
        let bound = self.bound(noisy, predicted.clone().detach(), said, likelihood);
        self.losses(noisy, predicted) + bound * (LAMBDA * self.schedule.len() as f64)
    }

    /// The part of each image's timestep in the bound, in bits per value.
    fn bound(&self, noisy: &NoisyImages, predicted: Tensor<4>, said: Tensor<4>, likelihood: Likelihood) -> Tensor<1> {
        let steps: Vec<Step> = noisy.t.iter().map(|&t| self.step(t)).collect();
        let each = |value: fn(&Step) -> f64| per_image(&steps.iter().map(value).collect::<Vec<_>>(), &said);
        // An error of the prediction as one of the clean image.
        let c_out: Vec<f64> =
            noisy.t.iter().map(|&t| self.prediction.coefficients(self.schedule.sigma(t as f64)).1).collect();
        let error = (noisy.target.clone() - predicted) * per_image(&c_out, &said);
        let log = said.clone() * each(|step| (step.logs[1] - step.logs[0]) / 2.0)
            + each(|step| (step.logs[1] + step.logs[0]) / 2.0);
        let of_mean = error.clone() * each(|step| step.of_image);
        let nats = divergence(of_mean, log.clone(), each(|step| step.logs[0]));
        let bits = mean_of_each(nats) / LN_2;
        if !noisy.t.contains(&0) {
            return bits;
        }
        let nats = match likelihood {
            Likelihood::Pixels => surprise(self.denoised(noisy.x.clone(), &noisy.t, noisy.target.clone()), error, log),
            Likelihood::Latents => (error.square() * (-log.clone()).exp() + log + (2.0 * PI).ln()) / 2.0,
        };
        let is_last: Vec<f64> = noisy.t.iter().map(|&t| f64::from(u8::from(t == 0))).collect();
        let others: Vec<f64> = is_last.iter().map(|is_last| 1.0 - is_last).collect();
        scale_each(bits, &others) + scale_each(mean_of_each(nats) / LN_2, &is_last)
    }

    /// The step from timestep `t`. The smallest variance of the last one, to the image, is not 0 but that of the step before it, as in
    /// the paper's code.
    fn step(&self, t: usize) -> Step {
        let alpha_bar = |t: Option<usize>| t.map_or(1.0, |t| self.schedule.alpha_bar(t));
        let of = |t: usize| {
            let (here, before) = (alpha_bar(Some(t)), alpha_bar(t.checked_sub(1)));
            let beta = 1.0 - here / before;
            (before, beta, (1.0 - before) / (1.0 - here) * beta)
        };
        let (before, beta, small) = of(t);
        let small = match t {
            0 if self.schedule.len() > 1 => of(1).2,
            0 => beta,
            _ => small,
        };
        Step { of_image: before.sqrt() * beta / (1.0 - alpha_bar(Some(t))), logs: [small.ln(), beta.ln()] }
    }
}

/// The divergence of the network's step from the true one, in nats for each value: both are normal, their means differ by `error`, and
/// these are the logarithms of their variances.
fn divergence(error: Tensor<4>, log: Tensor<4>, true_log: Tensor<4>) -> Tensor<4> {
    let ratio = (true_log.clone() - log.clone()).exp();
    (log.clone() - true_log + ratio + error.square() * (-log).exp() - 1.0) / 2.0
}

/// The negative logarithm of the probability of each byte `x0`, from −1 to 1, under a normal distribution around `x0 − error`. The
/// outermost bytes have all that lies beyond.
fn surprise(x0: Tensor<4>, error: Tensor<4>, log: Tensor<4>) -> Tensor<4> {
    let below = |edge: f64| ((error.clone() + edge) * (log.clone() / -2.0).exp() / SQRT_2).erf() / 2.0 + 0.5;
    let upper = below(1.0 / 255.0).mask_fill(x0.clone().greater_elem(0.999), 1.0);
    let lower = below(-1.0 / 255.0).mask_fill(x0.lower_elem(-0.999), 0.0);
    -(upper - lower).clamp_min(1e-12).log()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, TensorData};
    use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};

    use super::*;
    use crate::Weighting;

    fn objective(prediction: Prediction) -> Objective {
        let schedule = NoiseSchedule::from_betas(&BetaSchedule::Linear.betas(1000, 1e-4, 0.02).unwrap()).unwrap();
        Objective { schedule, prediction, weighting: Weighting::Simple }
    }

    fn tensor(values: &[f64], device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len(), 1, 1, 1]), (device, DType::F64))
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        tensor.into_data().try_to_vec().unwrap()
    }

    /// Normal data: behind a noisy image lie many clean ones, here the two that have their mean and variance. The best variance of a
    /// step is known (`Ancestral` in sd-exact draws exactly with it), and the loss is least there.
    #[test]
    fn the_loss_is_least_for_the_variance_that_draws_normal_data_exactly() {
        let (std, x) = (0.3_f64, 0.8);
        for prediction in [Prediction::Eps, Prediction::V, Prediction::X0] {
            for t in [3, 40, 300] {
                let objective = objective(prediction);
                let sigma = |t: usize| objective.schedule.sigma(t as f64);
                let squares = [std, sigma(t), sigma(t - 1)].map(|value| value * value);
                let [data, from, to] = squares;
                let (mean, spread) = (x * data / (data + from), (data * from / (data + from)).sqrt());
                let eps = |x0: f64| (x - x0) / sigma(t);
                let clean = [mean + spread, mean - spread];
                let device = Device::flex();
                let mix = |clean: &[f64]| {
                    let noise: Vec<f64> = clean.iter().map(|x0| eps(*x0)).collect();
                    objective.add_noise(tensor(clean, &device), vec![t; 2], tensor(&noise, &device))
                };
                let (noisy, best) = (mix(&clean), mix(&[mean; 2]).target);
                let loss = |said: f64| {
                    let predicted = Tensor::cat(vec![best.clone(), tensor(&[said; 2], &device)], 1);
                    values(objective.hybrid_losses(&noisy, predicted, Likelihood::Latents)).iter().sum::<f64>()
                };
                let variance = (data + to) * (from - to) / (data + from);
                let (small, large) = (to / from * (from - to), (from - to) * (1.0 + to) / (1.0 + from));
                let said = 2.0 * (variance / small).ln() / (large / small).ln() - 1.0;
                assert!(said.abs() < 1.0, "{said}");
                let (h, here) = (1e-3, loss(said));
                let (slope, curvature) = (
                    (loss(said + h) - loss(said - h)) / (2.0 * h),
                    (loss(said + h) + loss(said - h) - 2.0 * here) / (h * h),
                );
                assert!(curvature > 0.0 && slope.abs() < 1e-3 * curvature, "{prediction:?} {t}: {slope} {curvature}");
            }
        }
    }

    /// With the smallest variance and no error, the network's step is the true one.
    #[test]
    fn a_step_that_is_right_costs_nothing() {
        let (device, objective) = (Device::flex(), objective(Prediction::Eps));
        let noisy = objective.add_noise(tensor(&[0.4, -0.2], &device), vec![7, 900], tensor(&[1.0, -0.3], &device));
        let predicted = Tensor::cat(vec![noisy.target.clone(), tensor(&[-1.0; 2], &device)], 1);
        let losses = values(objective.hybrid_losses(&noisy, predicted, Likelihood::Pixels));
        assert!(losses.iter().all(|loss| loss.abs() < 1e-12), "{losses:?}");
    }

    #[test]
    fn all_bytes_together_have_a_probability_of_one() {
        let device = Device::flex();
        let bytes: Vec<f64> = (0..256).map(|byte| f64::from(byte) / 127.5 - 1.0).collect();
        for (mean, log) in [(0.1, -9.0), (0.9, -4.0), (-1.3, -1.0)] {
            let errors: Vec<f64> = bytes.iter().map(|x0| x0 - mean).collect();
            let nats =
                values(surprise(tensor(&bytes, &device), tensor(&errors, &device), tensor(&[log; 256], &device)));
            let sum: f64 = nats.iter().map(|nats| (-nats).exp()).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        }
    }

    /// Far wider than a byte, its probability is the density times its width.
    #[test]
    fn the_last_step_weighs_bytes_or_a_density() {
        let (device, objective) = (Device::flex(), objective(Prediction::X0));
        let noisy = objective.add_noise(tensor(&[0.2], &device), vec![0], tensor(&[0.5], &device));
        let predicted = Tensor::cat(vec![tensor(&[0.1], &device), tensor(&[30.0], &device)], 1);
        let [pixels, latents] = [Likelihood::Pixels, Likelihood::Latents]
            .map(|likelihood| values(objective.hybrid_losses(&noisy, predicted.clone(), likelihood))[0] - 0.01);
        assert!((pixels - (latents - (2.0_f64 / 255.0).log2())).abs() < 1e-3, "{pixels} {latents}");
    }

    #[test]
    fn the_prediction_learns_from_the_simple_loss_alone() {
        let (device, objective) = (Device::flex().autodiff(), objective(Prediction::Eps));
        let noisy = objective.add_noise(tensor(&[0.4, 0.1], &device), vec![0, 200], tensor(&[1.0, -0.3], &device));
        let (prediction, said) =
            (tensor(&[0.7, 0.2], &device).require_grad(), tensor(&[0.1, 0.3], &device).require_grad());
        let both = Tensor::cat(vec![prediction.clone(), said.clone()], 1);
        let hybrid = objective.hybrid_losses(&noisy, both, Likelihood::Pixels).sum().backward();
        let simple = objective.losses(&noisy, prediction.clone()).sum().backward();
        let of = |grads| values(prediction.grad(grads).unwrap());
        assert_eq!(of(&hybrid), of(&simple));
        assert!(values(said.grad(&hybrid).unwrap()).iter().all(|slope| slope.abs() > 1e-6));
    }
}
