use crate::{ScheduleError, betas};

/// The noise a model was trained with: `alpha_bar` at each timestep, and the conversion between `sigma` and `t`.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseSchedule {
    alpha_bar: Vec<f64>,
    log_sigma: Vec<f64>,
    /// Whether the last timestep stands for pure noise.
    pub(crate) zero_terminal_snr: bool,
}

impl NoiseSchedule {
    /// Makes the schedule of a table of betas: `alpha_bar_t = Π (1 − beta_s)` over `s ≤ t` (Ho et al. 2020, equation 4).
    ///
    /// # Errors
    ///
    /// [`ScheduleError::Empty`] without betas, [`ScheduleError::Beta`] for one outside `[0, 1)`, and
    /// [`ScheduleError::Level`] if a first beta of 0 leaves a timestep without noise.
    pub fn from_betas(betas: &[f64]) -> Result<Self, ScheduleError> {
        if betas.is_empty() {
            return Err(ScheduleError::Empty);
        }
        betas::check(betas)?;
        let alpha_bar: Vec<f64> = betas
            .iter()
            .scan(1.0, |product, beta| {
                *product *= 1.0 - beta;
                Some(*product)
            })
            .collect();
        if alpha_bar[0] == 1.0 {
            return Err(ScheduleError::Level { index: 0, value: 0.0 });
        }
        Ok(Self::from_alpha_bar(alpha_bar))
    }

    /// Makes the schedule of an `alpha_bar` table that never grows and stays within `(0, 1)`.
    pub(crate) fn from_alpha_bar(alpha_bar: Vec<f64>) -> Self {
        let log_sigma = alpha_bar.iter().map(|a| 0.5 * ((1.0 - a) / a).ln()).collect();
        Self { alpha_bar, log_sigma, zero_terminal_snr: false }
    }

    /// Number of timesteps of the training, at least 1.
    #[allow(clippy::len_without_is_empty, reason = "a schedule is never empty")]
    pub fn len(&self) -> usize {
        self.alpha_bar.len()
    }

    /// Fraction of the image's variance that remains at timestep `t`, in `(0, 1)`.
    ///
    /// # Panics
    ///
    /// Panics if `t` is not below [`len`](Self::len).
    pub fn alpha_bar(&self, t: usize) -> f64 {
        self.alpha_bar[t]
    }

    /// Noise level at timestep `t`, which may lie between two timesteps: `log sigma` is interpolated linearly, and `t`
    /// is clamped to the training.
    ///
    /// This is k-diffusion's convention; [`NoiseLevels::of_timesteps`](crate::NoiseLevels::of_timesteps) follows diffusers.
    pub fn sigma(&self, t: f64) -> f64 {
        let t = t.clamp(0.0, (self.len() - 1) as f64);
        let (low, share) = (t.floor() as usize, t.fract());
        if share == 0.0 {
            return self.log_sigma[low].exp();
        }
        (self.log_sigma[low] * (1.0 - share) + self.log_sigma[low + 1] * share).exp()
    }

    /// The timestep whose noise level is `sigma`, the inverse of [`sigma`](Self::sigma): in `[0, len − 1]`.
    ///
    /// # Panics
    ///
    /// Panics if `sigma` is not a number.
    pub fn t(&self, sigma: f64) -> f64 {
        assert!(!sigma.is_nan(), "the noise level is not a number");
        let log_sigma = sigma.ln();
        let above = self.log_sigma.partition_point(|&level| level < log_sigma);
        if above == 0 {
            return 0.0;
        }
        if above == self.len() {
            return (self.len() - 1) as f64;
        }
        let (low, high) = (self.log_sigma[above - 1], self.log_sigma[above]);
        let t = (above - 1) as f64 + (log_sigma - low) / (high - low);
        // The level of a whole timestep maps back to exactly that timestep, not to one 1e-13 away.
        if (t - t.round()).abs() < 1e-9 { t.round() } else { t }
    }

    /// The smallest noise level of the training, above 0.
    pub fn sigma_min(&self) -> f64 {
        self.sigma(0.0)
    }

    /// The largest noise level of the training.
    pub fn sigma_max(&self) -> f64 {
        self.sigma((self.len() - 1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BetaSchedule;

    fn sd() -> NoiseSchedule {
        NoiseSchedule::from_betas(&BetaSchedule::ScaledLinear.betas(1000, 0.00085, 0.012).unwrap()).unwrap()
    }

    /// The ends of Stable Diffusion's noise as the literature quotes them.
    #[test]
    fn stable_diffusion_ends_at_its_known_levels() {
        assert!((sd().sigma_min() - 0.0292).abs() < 1e-4);
        assert!((sd().sigma_max() - 14.6146).abs() < 1e-4);
    }

    #[test]
    fn sigma_squared_is_the_ratio_of_noise_to_image() {
        for t in [0, 1, 500, 999] {
            let a = sd().alpha_bar(t);
            assert!((sd().sigma(t as f64).powi(2) / ((1.0 - a) / a) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn sigma_and_t_are_each_others_inverse() {
        for t in [0.0, 0.25, 1.0, 3.5, 499.0, 813.5, 998.75, 999.0] {
            assert!((sd().t(sd().sigma(t)) - t).abs() < 1e-9, "t {t}");
        }
        assert_eq!(sd().t(sd().sigma(500.0)), 500.0);
    }

    #[test]
    fn the_level_halfway_between_two_timesteps_is_their_geometric_mean() {
        let mean = (sd().sigma(3.0) * sd().sigma(4.0)).sqrt();
        assert!((sd().sigma(3.5) / mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn levels_outside_the_training_map_to_its_ends() {
        assert_eq!(sd().t(0.0), 0.0);
        assert_eq!(sd().t(1000.0), 999.0);
        assert_eq!(sd().sigma(-3.0), sd().sigma_min());
    }

    #[test]
    fn a_first_beta_of_zero_is_refused() {
        assert!(matches!(NoiseSchedule::from_betas(&[0.0, 0.1]), Err(ScheduleError::Level { index: 0, .. })));
    }
}
