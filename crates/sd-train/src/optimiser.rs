use burn::config::Config;
use burn::optim::{AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer};
use burn::tensor::Tensor;

/// Settings of AdamW (Loshchilov & Hutter 2019, algorithm 2) and of the clipping of gradients before it.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct OptimiserConfig {
    /// Decay of the mean of the gradients.
    #[config(default = 0.9)]
    pub beta_1: f64,
    /// Decay of the mean of their squares.
    #[config(default = 0.999)]
    pub beta_2: f64,
    /// Added to the root of the mean square.
    #[config(default = 1e-8)]
    pub epsilon: f64,
    /// Share of a parameter that each step subtracts, times the learning rate. Norms and biases do not decay.
    #[config(default = 0.01)]
    pub weight_decay: f64,
    /// Largest norm of all gradients together; larger ones are scaled down to it (Pascanu et al. 2013, algorithm 1).
    #[config(default = 1.0)]
    pub clip_norm: f64,
}

/// AdamW over lists of parameters, with Burn's step for each.
#[derive(Clone)]
pub(crate) struct Optimiser {
    decaying: AdamW,
    plain: AdamW,
    clip_norm: f64,
    /// One entry per parameter; none before its first step.
    pub moments: Vec<Option<Moments>>,
}

/// The running means of a parameter's gradients and of their squares.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    pub first: Tensor<1>,
    pub second: Tensor<1>,
}

/// A parameter, its gradient, and whether it decays.
pub(crate) struct Update {
    pub values: Tensor<1>,
    /// None for a frozen parameter.
    pub gradient: Option<Tensor<1>>,
    pub decays: bool,
}

impl Optimiser {
    pub fn new(config: &OptimiserConfig, moments: Vec<Option<Moments>>) -> Self {
        let adamw = AdamWConfig::new()
            .with_beta_1(config.beta_1 as f32)
            .with_beta_2(config.beta_2 as f32)
            .with_epsilon(config.epsilon as f32);
        Self {
            decaying: adamw.clone().with_weight_decay(config.weight_decay as f32).build(),
            plain: adamw.with_weight_decay(0.0).build(),
            clip_norm: config.clip_norm,
            moments,
        }
    }

    /// Makes step `step`, counted from 0; `norm` is the norm of all gradients together.
    pub fn step(&mut self, step: u64, rate: f64, norm: f64, updates: Vec<Update>) -> Vec<Tensor<1>> {
        let scale = if norm > self.clip_norm { self.clip_norm / norm } else { 1.0 };
        let moments = self.moments.iter_mut();
        updates
            .into_iter()
            .zip(moments)
            .map(|(update, moments)| {
                let Some(gradient) = update.gradient else { return update.values };
                let gradient = if scale == 1.0 { gradient } else { gradient * scale };
                let known = moments.take().map(|Moments { first, second }| {
                    AdamWState::new(AdaptiveMomentumState::new(step as usize, first, second))
                });
                let adamw = if update.decays { &self.decaying } else { &self.plain };
                let (values, state) = adamw.step(rate, update.values, gradient, known);
                let AdaptiveMomentumState { moment_1, moment_2, .. } = state.expect("AdamW keeps moments").momentum;
                *moments = Some(Moments { first: moment_1, second: moment_2 });
                values
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    const CONFIG: OptimiserConfig =
        OptimiserConfig { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };

    fn tensor(values: [f64; 2]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    fn update(values: [f64; 2], gradient: Option<[f64; 2]>, decays: bool) -> Update {
        Update { values: tensor(values), gradient: gradient.map(tensor), decays }
    }

    fn check(found: &Tensor<1>, expected: [f64; 2]) {
        for (found, expected) in found.to_data().iter::<f64>().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    /// Bias correction makes the moments of a first step the gradient and its square.
    #[test]
    fn a_first_step_goes_by_the_rate_against_the_sign_of_each_gradient() {
        let mut optimiser = Optimiser::new(&CONFIG, vec![None; 2]);
        let updates = vec![update([1.0, 2.0], Some([0.3, -0.4]), false), update([1.0, 2.0], Some([0.3, -0.4]), true)];
        let found = optimiser.step(0, 0.01, 0.5, updates);
        check(&found[0], [0.99, 2.01]);
        check(&found[1], [0.99 - 0.001, 2.01 - 0.002]);
    }

    #[test]
    fn a_second_step_has_the_moments_of_the_papers_recursion() {
        let mut optimiser = Optimiser::new(&CONFIG, vec![None]);
        let first = optimiser.step(0, 0.01, 0.5, vec![update([0.0; 2], Some([0.3, -0.4]), false)]);
        let second = Update { values: first[0].clone(), gradient: Some(tensor([0.1, 0.2])), decays: false };
        let found = optimiser.step(1, 0.01, 0.3, vec![second]);
        let moved = |a: f64, b: f64| {
            let (m, v) = (0.09 * a + 0.1 * b, 0.000999 * a * a + 0.001 * b * b);
            -0.01 * a.signum() - 0.01 * (m / 0.19) / (v / 0.001999).sqrt()
        };
        check(&found[0], [moved(0.3, 0.1), moved(-0.4, 0.2)]);
    }

    #[test]
    fn gradients_are_scaled_down_together_to_the_largest_norm() {
        let mut optimiser = Optimiser::new(&CONFIG, vec![None]);
        optimiser.step(0, 0.01, 5.0, vec![update([0.0; 2], Some([3.0, 4.0]), false)]);
        check(&optimiser.moments[0].as_ref().unwrap().first, [0.06, 0.08]);
    }

    #[test]
    fn frozen_parameters_stay() {
        let mut optimiser = Optimiser::new(&CONFIG, vec![None]);
        check(&optimiser.step(0, 0.01, 0.5, vec![update([1.0, 2.0], None, true)])[0], [1.0, 2.0]);
        assert!(optimiser.moments[0].is_none());
    }
}
