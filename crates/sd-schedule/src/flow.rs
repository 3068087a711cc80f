use crate::{NoiseLevels, ScheduleError};

/// Rectified flow (Liu et al. 2023; Esser et al. 2024): the network sees `(1 − t)·x0 + t·eps` for `t` in `[0, 1]` and predicts
/// `eps − x0`.
///
/// In variance-exploding form, time `t` is noise level `sigma = t/(1 − t)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    /// The time that the network receives for `t = 1`; 1000 in the published models.
    pub timesteps: usize,
    /// Shift of the levels towards noise: `t ← shift·t/(1 + (shift − 1)·t)`. 1 shifts nothing; Stable Diffusion 3 uses 3.
    pub shift: f64,
}

impl Flow {
    /// The level that stands for pure noise, whose true level in variance-exploding form is infinite. It is the same as in a
    /// [schedule with zero terminal SNR](crate::NoiseSchedule::with_zero_terminal_snr).
    pub const PURE_NOISE: f64 = 4096.0;

    /// The time `t` in `[0, 1)` of noise level `sigma ≥ 0`.
    pub fn time(sigma: f64) -> f64 {
        sigma / (1.0 + sigma)
    }

    /// The noise level of time `t` in `[0, 1]`: `t/(1 − t)`, at most [`PURE_NOISE`](Self::PURE_NOISE).
    pub fn sigma(t: f64) -> f64 {
        (t / (1.0 - t)).min(Self::PURE_NOISE)
    }

    /// Returns the levels of `steps` steps from pure noise to 0, spaced as in diffusers' `FlowMatchEulerDiscreteScheduler`:
    /// evenly in `t` between the shifted ends of the training, then shifted.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::NoSteps`] for 0 steps, and those of [`NoiseLevels::new`] for a shift that is not positive.
    pub fn levels(&self, steps: usize) -> Result<NoiseLevels, ScheduleError> {
        let least = self.shifted(1.0 / self.timesteps as f64);
        let time = |i: usize| 1.0 - (1.0 - least) * i as f64 / (steps.max(2) - 1) as f64;
        let levels = (0..steps).map(|i| Self::sigma(self.shifted(time(i))));
        NoiseLevels::new(levels.chain([0.0]).collect())
    }

    fn shifted(&self, t: f64) -> f64 {
        self.shift * t / (1.0 + (self.shift - 1.0) * t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_sigma_are_each_others_inverse() {
        for t in [0.0, 0.001, 0.5, 0.9, 0.9997] {
            assert!((Flow::time(Flow::sigma(t)) - t).abs() < 1e-15);
        }
    }

    /// `FlowMatchEulerDiscreteScheduler(shift=3.0)` of diffusers 0.42.1, `set_timesteps(4)`: its `sigmas` are times.
    #[test]
    fn levels_are_those_of_diffusers() {
        let expected = [0.857692301, 0.602150559, 0.008928572];
        let levels = Flow { timesteps: 1000, shift: 3.0 }.levels(4).unwrap();
        let times: Vec<f64> = levels.sigmas().iter().map(|sigma| Flow::time(*sigma)).collect();
        assert!((times[0] - 1.0).abs() < 3e-4 && times[4] == 0.0, "{times:?}");
        for (time, expected) in times[1..4].iter().zip(expected) {
            assert!((time - expected).abs() < 1e-7, "{times:?}");
        }
    }

    #[test]
    fn no_steps_are_refused() {
        assert_eq!(Flow { timesteps: 1000, shift: 1.0 }.levels(0), Err(ScheduleError::NoSteps));
    }
}
