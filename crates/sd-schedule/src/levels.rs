use serde::{Deserialize, Serialize};

use crate::{NoiseSchedule, ScheduleError};

/// The noise levels a sampler walks down: strictly falling, finite, the first above 0, the last at least 0.
///
/// `n + 1` levels make `n` steps. In serde it is a list of numbers, checked on reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct NoiseLevels(Vec<f64>);

impl NoiseLevels {
    /// Checks a list of levels and wraps it.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::NoSteps`] for fewer than two levels, [`ScheduleError::Level`] and
    /// [`ScheduleError::NotFalling`] for the first level that breaks the rules.
    pub fn new(sigmas: Vec<f64>) -> Result<Self, ScheduleError> {
        if sigmas.len() < 2 {
            return Err(ScheduleError::NoSteps);
        }
        if let Some(index) = sigmas.iter().position(|s| !s.is_finite() || *s < 0.0) {
            return Err(ScheduleError::Level { index, value: sigmas[index] });
        }
        if let Some(before) = sigmas.windows(2).position(|w| w[0] <= w[1]) {
            return Err(ScheduleError::NotFalling {
                index: before + 1,
                value: sigmas[before + 1],
                before: sigmas[before],
            });
        }
        Ok(Self(sigmas))
    }

    /// Returns the levels of falling training timesteps, followed by `last`: 0, or the smallest trained level.
    ///
    /// Between two timesteps `sigma` itself is interpolated linearly, as in diffusers ("linear" `interpolation_type`).
    /// [`NoiseSchedule::sigma`] interpolates its logarithm instead, as in k-diffusion. Halfway between the first two
    /// timesteps of Stable Diffusion the two differ by 1.5 %.
    ///
    /// If the timesteps already end at `last` (timestep 0 and [`NoiseSchedule::sigma_min`]), it is not repeated and there is
    /// one step fewer. If timestep 0 is the only one, its step goes to 0.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`ScheduleError::Timestep`] for a timestep outside the training.
    pub fn of_timesteps(schedule: &NoiseSchedule, timesteps: &[f64], last: f64) -> Result<Self, ScheduleError> {
        let noisiest = schedule.len() - 1;
        if let Some(&timestep) = timesteps.iter().find(|t| !(0.0..=noisiest as f64).contains(*t)) {
            return Err(ScheduleError::Timestep { timestep, last: noisiest });
        }
        let mut sigmas: Vec<f64> = timesteps.iter().map(|&t| linear_sigma(schedule, t)).collect();
        match sigmas.last() {
            Some(&reached) if reached != last => sigmas.push(last),
            _ if sigmas.len() == 1 => sigmas.push(0.0),
            _ => {}
        }
        Self::new(sigmas)
    }

    /// Noise level at which the image starts, above 0.
    pub fn first(&self) -> f64 {
        self.0[0]
    }

    /// Noise level at which the image ends, at least 0; mostly 0 or the smallest trained level.
    pub fn last(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// Number of steps: one fewer than there are levels.
    pub fn steps(&self) -> usize {
        self.0.len() - 1
    }

    /// The levels themselves, `steps() + 1` of them.
    pub fn sigmas(&self) -> &[f64] {
        &self.0
    }

    /// Iterates over the steps, each as the level it starts from and the level it goes to.
    pub fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.0.windows(2).map(|w| (w[0], w[1]))
    }
}

impl TryFrom<Vec<f64>> for NoiseLevels {
    type Error = ScheduleError;

    fn try_from(sigmas: Vec<f64>) -> Result<Self, ScheduleError> {
        Self::new(sigmas)
    }
}

impl From<NoiseLevels> for Vec<f64> {
    fn from(levels: NoiseLevels) -> Self {
        levels.0
    }
}

/// Noise level at timestep `t` of the training, on the straight line between the two timesteps around it.
fn linear_sigma(schedule: &NoiseSchedule, t: f64) -> f64 {
    let (low, share) = (t.floor(), t.fract());
    schedule.sigma(low) * (1.0 - share) + schedule.sigma(low + 1.0) * share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BetaSchedule;

    #[test]
    fn levels_that_do_not_fall_are_refused() {
        assert!(matches!(NoiseLevels::new(vec![2.0, 1.0, 1.0]), Err(ScheduleError::NotFalling { index: 2, .. })));
        assert!(matches!(NoiseLevels::new(vec![2.0, f64::NAN]), Err(ScheduleError::Level { index: 1, .. })));
        assert!(matches!(NoiseLevels::new(vec![2.0, -1.0]), Err(ScheduleError::Level { index: 1, .. })));
        assert_eq!(NoiseLevels::new(vec![2.0]), Err(ScheduleError::NoSteps));
    }

    #[test]
    fn levels_are_a_list_in_json_that_is_checked_on_reading() {
        let levels = NoiseLevels::new(vec![14.6, 1.0, 0.0]).unwrap();
        assert_eq!(levels.sigmas(), [14.6, 1.0, 0.0]);
        let json = serde_json::to_string(&levels).unwrap();
        assert_eq!(json, "[14.6,1.0,0.0]");
        assert_eq!(serde_json::from_str::<NoiseLevels>(&json).unwrap(), levels);
        let error = serde_json::from_str::<NoiseLevels>("[1.0,2.0]").unwrap_err().to_string();
        let expected = ScheduleError::NotFalling { index: 1, value: 2.0, before: 1.0 };
        assert!(error.starts_with(&expected.to_string()), "{error}");
    }

    fn schedule() -> NoiseSchedule {
        NoiseSchedule::from_betas(&BetaSchedule::Linear.betas(10, 0.1, 0.2).unwrap()).unwrap()
    }

    #[test]
    fn levels_between_two_timesteps_lie_on_the_straight_line() {
        let levels = NoiseLevels::of_timesteps(&schedule(), &[9.0, 4.25], 0.0).unwrap();
        let expected = 0.75 * schedule().sigma(4.0) + 0.25 * schedule().sigma(5.0);
        assert!((levels.0[1] - expected).abs() < 1e-15);
        assert_eq!(levels.0[0], schedule().sigma_max());
    }

    #[test]
    fn timesteps_outside_the_training_are_refused() {
        for outside in [9.5, -0.5, f64::INFINITY] {
            let error = NoiseLevels::of_timesteps(&schedule(), &[outside], 0.0).unwrap_err();
            assert_eq!(error, ScheduleError::Timestep { timestep: outside, last: 9 });
        }
        assert!(NoiseLevels::of_timesteps(&schedule(), &[f64::NAN], 0.0).is_err());
    }

    #[test]
    fn the_last_level_is_added_only_if_it_is_not_reached_yet() {
        let sigmas = |timesteps: &[f64], last| NoiseLevels::of_timesteps(&schedule(), timesteps, last).unwrap().0;
        let sigma = |t: f64| schedule().sigma(t);
        assert_eq!(sigmas(&[5.0, 1.0], sigma(0.0)), [sigma(5.0), sigma(1.0), sigma(0.0)]);
        assert_eq!(sigmas(&[5.0, 0.0], sigma(0.0)), [sigma(5.0), sigma(0.0)]);
        assert_eq!(sigmas(&[5.0, 0.0], 0.0), [sigma(5.0), sigma(0.0), 0.0]);
        assert_eq!(sigmas(&[0.0], sigma(0.0)), [sigma(0.0), 0.0]);
    }
}
