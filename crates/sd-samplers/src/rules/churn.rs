use std::f64::consts::SQRT_2;

use burn::tensor::Tensor;

use crate::StepContext;

/// Noise added before each step, which the step then removes (Karras et al. 2022, algorithm 2).
///
/// It reduces the errors of earlier steps, but the image then changes with the number of steps. The best amount depends
/// on the model and must be found by experiment. The paper's best for ImageNet, with 256 steps, is `s_churn` 40, `s_tmin`
/// 0.05, `s_tmax` 50 and `s_noise` 1.003.
///
/// Each step needs independent noise: use [`TorchNoise`](crate::TorchNoise), not the noise of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Churn {
    /// Total amount, at least 0: each step raises its level by the factor `1 + s_churn/steps`, but at most by `√2`. At that
    /// limit the steps stay long, and more of them gain little.
    pub s_churn: f64,
    /// The lowest level that is raised, at least 0.
    pub s_tmin: f64,
    /// The highest level that is raised, at least 0; if it is below `s_tmin`, none is.
    pub s_tmax: f64,
    /// Factor on the standard deviation of the noise, finite and at least 0. Denoisers tend to remove a little too much
    /// noise; a factor slightly above 1 compensates.
    pub s_noise: f64,
}

impl Churn {
    /// No churn: the sampler is deterministic.
    pub const fn none() -> Self {
        Self { s_churn: 0.0, s_tmin: 0.0, s_tmax: f64::INFINITY, s_noise: 1.0 }
    }

    /// Checks the ranges and returns itself.
    ///
    /// # Panics
    ///
    /// Panics if one of the values is outside its range.
    pub(crate) fn checked(self) -> Self {
        let Self { s_churn, s_tmin, s_tmax, s_noise } = self;
        let in_range = s_churn >= 0.0 && s_tmin >= 0.0 && s_tmax >= 0.0 && s_noise >= 0.0 && s_noise.is_finite();
        assert!(in_range, "{self:?}, but its values must be at least 0, and s_noise finite");
        self
    }

    /// The level to which `from` is raised, with `steps` steps in all.
    pub(crate) fn hat(&self, from: f64, steps: usize) -> f64 {
        let churned = (self.s_tmin..=self.s_tmax).contains(&from);
        let gamma = if churned { (self.s_churn / steps as f64).min(SQRT_2 - 1.0) } else { 0.0 };
        from * (1.0 + gamma)
    }

    /// Raises the image's noise from level `from`; returns the image and its new level.
    pub(crate) fn raise(&self, context: &mut StepContext, x: Tensor<4>, from: f64) -> (Tensor<4>, f64) {
        let hat = self.hat(from, context.steps);
        let up = ((hat - from) * (hat + from)).sqrt() * self.s_noise;
        (context.add_noise(x, hat, from, up), hat)
    }
}

/// As [`Churn::none`].
impl Default for Churn {
    fn default() -> Self {
        Self::none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "s_churn: -1.0")]
    fn a_negative_value_is_refused_by_name() {
        Churn { s_churn: -1.0, ..Churn::none() }.checked();
    }
}
