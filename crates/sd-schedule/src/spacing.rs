use crate::ScheduleError;

/// Which of the training's timesteps a sampler visits (Lin et al. 2023, table 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// Multiples of `trained / steps`, rounded down, shifted up by `offset`: never reaches the noisiest timestep.
    Leading {
        /// Added to every timestep; 1 in the published Stable Diffusion configs.
        offset: usize,
    },
    /// Evenly from the first to the last timestep.
    Linspace,
    /// Counted back from the last timestep in strides of `trained / steps`.
    Trailing,
}

impl Spacing {
    /// `steps` timesteps, falling, each below `trained`.
    ///
    /// Halves round to even, as NumPy does.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::NoSteps`], [`ScheduleError::TooManySteps`], and [`ScheduleError::Timestep`] where the offset
    /// leads past the end of the training.
    pub fn timesteps(self, steps: usize, trained: usize) -> Result<Vec<usize>, ScheduleError> {
        if steps == 0 {
            return Err(ScheduleError::NoSteps);
        }
        if steps > trained {
            return Err(ScheduleError::TooManySteps { steps, trained });
        }
        let timesteps: Vec<usize> = match self {
            Self::Leading { offset } => (0..steps).rev().map(|i| i * (trained / steps) + offset).collect(),
            Self::Linspace if steps == 1 => vec![0],
            Self::Linspace => {
                let stride = (trained - 1) as f64 / (steps - 1) as f64;
                (0..steps).rev().map(|i| (i as f64 * stride).round_ties_even() as usize).collect()
            }
            Self::Trailing => {
                let stride = trained as f64 / steps as f64;
                (0..steps).map(|i| (trained as f64 - i as f64 * stride).round_ties_even() as usize - 1).collect()
            }
        };
        match timesteps[0] {
            first if first < trained => Ok(timesteps),
            first => Err(ScheduleError::Timestep { timestep: first, last: trained - 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(spacing: Spacing, steps: usize) -> Vec<usize> {
        spacing.timesteps(steps, 1000).unwrap()
    }

    #[test]
    fn leading_spacing_takes_whole_strides_and_shifts_them() {
        assert_eq!(of(Spacing::Leading { offset: 1 }, 7), [853, 711, 569, 427, 285, 143, 1]);
        assert_eq!(of(Spacing::Leading { offset: 0 }, 4), [750, 500, 250, 0]);
    }

    #[test]
    fn trailing_spacing_starts_at_the_last_timestep() {
        assert_eq!(of(Spacing::Trailing, 7), [999, 856, 713, 570, 428, 285, 142]);
    }

    #[test]
    fn linspace_reaches_both_ends() {
        assert_eq!(of(Spacing::Linspace, 5), [999, 749, 500, 250, 0]);
    }

    /// Other projects return one step too many for several of these counts.
    #[test]
    fn every_spacing_gives_as_many_falling_steps_as_were_asked_for() {
        for spacing in
            [Spacing::Leading { offset: 0 }, Spacing::Leading { offset: 1 }, Spacing::Linspace, Spacing::Trailing]
        {
            for steps in [1, 2, 3, 6, 7, 10, 28, 30, 50, 333, 999] {
                let timesteps = of(spacing, steps);
                assert_eq!(timesteps.len(), steps);
                assert!(timesteps.windows(2).all(|w| w[0] > w[1]), "{spacing:?} {steps}");
            }
        }
    }

    #[test]
    fn impossible_step_counts_are_refused() {
        let spacing = Spacing::Leading { offset: 1 };
        assert_eq!(spacing.timesteps(0, 1000), Err(ScheduleError::NoSteps));
        assert_eq!(spacing.timesteps(1001, 1000), Err(ScheduleError::TooManySteps { steps: 1001, trained: 1000 }));
        assert_eq!(spacing.timesteps(1000, 1000), Err(ScheduleError::Timestep { timestep: 1000, last: 999 }));
    }
}
