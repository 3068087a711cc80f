use crate::{NoiseSchedule, ScheduleError};

/// The noise levels a sampler walks down: strictly falling, finite, the first above 0, the last at least 0.
///
/// `n + 1` levels are `n` steps.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseLevels(Vec<f64>);

impl NoiseLevels {
    /// Checks a list of levels.
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

    /// The levels of falling training timesteps, followed by `last`: 0, or the smallest trained level.
    ///
    /// Where the timesteps already end at `last` (timestep 0 and [`NoiseSchedule::sigma_min`]) it is not repeated, and
    /// there is one step less; where timestep 0 is the only one, its step goes to 0.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`ScheduleError::Timestep`] for one outside the training.
    pub fn of_timesteps(schedule: &NoiseSchedule, timesteps: &[usize], last: f64) -> Result<Self, ScheduleError> {
        if let Some(&timestep) = timesteps.iter().find(|&&t| t >= schedule.len()) {
            return Err(ScheduleError::Timestep { timestep, last: schedule.len() - 1 });
        }
        let mut sigmas: Vec<f64> = timesteps.iter().map(|&t| schedule.sigma(t as f64)).collect();
        match sigmas.last() {
            Some(&reached) if reached != last => sigmas.push(last),
            _ if sigmas.len() == 1 => sigmas.push(0.0),
            _ => {}
        }
        Self::new(sigmas)
    }

    /// The level the picture starts at, above 0.
    pub fn first(&self) -> f64 {
        self.0[0]
    }

    /// The level the picture ends at: 0, or the smallest trained level.
    pub fn last(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// Number of steps: one less than levels.
    pub fn steps(&self) -> usize {
        self.0.len() - 1
    }

    /// Each step as the level it comes from and the level it goes to.
    pub fn pairs(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.0.windows(2).map(|w| (w[0], w[1]))
    }
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
    fn the_last_level_is_added_only_where_it_is_not_reached_yet() {
        let schedule = NoiseSchedule::from_betas(&BetaSchedule::Linear.betas(10, 0.1, 0.2).unwrap()).unwrap();
        let of = |timesteps, last| NoiseLevels::of_timesteps(&schedule, timesteps, last).unwrap().0;
        let sigma = |t: usize| schedule.sigma(t as f64);
        assert_eq!(of(&[5, 1], sigma(0)), [sigma(5), sigma(1), sigma(0)]);
        assert_eq!(of(&[5, 0], sigma(0)), [sigma(5), sigma(0)]);
        assert_eq!(of(&[5, 0], 0.0), [sigma(5), sigma(0), 0.0]);
        assert_eq!(of(&[0], sigma(0)), [sigma(0), 0.0]);
    }
}
