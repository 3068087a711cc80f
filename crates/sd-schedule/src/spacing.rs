use crate::ScheduleError;

/// Which of the training's timesteps a sampler visits (Lin et al. 2023, table 2; Luo et al. 2023 for the last).
///
/// A model's config names the spacing, and the sampler decides which of the three methods applies: [`timesteps`] for DDIM,
/// DDPM, PNDM, LCM and TCD, [`fractional`] for Euler, Heun, LMS and KDPM2, [`without_last`] for the multistep solvers
/// DPM-Solver, UniPC, DEIS and SA-Solver.
///
/// [`timesteps`]: Self::timesteps
/// [`fractional`]: Self::fractional
/// [`without_last`]: Self::without_last
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spacing {
    /// Multiples of `trained / steps`, rounded down and shifted up by `offset`. They mostly stop short of the noisiest
    /// timestep.
    Leading {
        /// Added to every timestep; 1 in the published Stable Diffusion configs. With as many steps as trained there is no
        /// room for it: it is then 0, and each timestep is visited once.
        offset: usize,
    },
    /// Evenly from the first to the last timestep; a single one is the first.
    Linspace,
    /// Counted back from the last timestep in strides of `trained / steps`.
    Trailing,
    /// Evenly among the timesteps that a consistency model was distilled on, from the noisiest (Luo et al. 2023, as laid
    /// out by diffusers' LCM and TCD).
    Lcm {
        /// Number of timesteps of the distillation, in strides from the last one down; 50 in the published configs.
        original_steps: usize,
    },
}

impl Spacing {
    /// Returns `steps` whole timesteps, falling, each below `trained`. Halves round to even.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::NoSteps`], [`ScheduleError::TooManySteps`], [`ScheduleError::OriginalSteps`], and
    /// [`ScheduleError::Timestep`] if the offset leads past the end of the training.
    pub fn timesteps(self, steps: usize, trained: usize) -> Result<Vec<f64>, ScheduleError> {
        let mut timesteps = self.fractional(steps, trained)?;
        timesteps.iter_mut().for_each(|t| *t = t.round_ties_even());
        Ok(timesteps)
    }

    /// As [`timesteps`](Self::timesteps), but [`Linspace`](Self::Linspace) is not rounded to whole timesteps.
    ///
    /// # Errors
    ///
    /// As [`timesteps`](Self::timesteps).
    pub fn fractional(self, steps: usize, trained: usize) -> Result<Vec<f64>, ScheduleError> {
        self.check(steps, trained)?;
        let (count, end) = (steps as f64, trained as f64);
        let indices = (0..steps).map(|i| i as f64);
        let timesteps: Vec<f64> = match self {
            Self::Leading { offset } => {
                let stride = trained / steps;
                let room = trained - 1 - (steps - 1) * stride;
                // An offset beyond a stride is a mistake in the config, which is reported below.
                let offset = if offset <= stride { offset.min(room) } else { offset };
                indices.rev().map(|i| i * stride as f64 + offset as f64).collect()
            }
            Self::Linspace => {
                let stride = (end - 1.0) / (count - 1.0).max(1.0);
                // Rounding can put the last product just above the end.
                indices.rev().map(|i| (i * stride).min(end - 1.0)).collect()
            }
            Self::Trailing => {
                // NumPy's `arange` rounds its stride this way, which decides how halves round: otherwise four of 48
                // timesteps would be off by one.
                let stride = end - (end - end / count);
                indices.map(|i| (end - i * stride).round_ties_even() - 1.0).collect()
            }
            Self::Lcm { original_steps } => {
                let skip = original_steps as f64 / count;
                let stride = (trained / original_steps) as f64;
                indices.map(|i| (original_steps as f64 - (i * skip).floor()) * stride - 1.0).collect()
            }
        };
        match timesteps[0] {
            noisiest if noisiest < end => Ok(timesteps),
            noisiest => Err(ScheduleError::Timestep { timestep: noisiest, last: trained - 1 }),
        }
    }

    /// As [`timesteps`](Self::timesteps), but [`Leading`](Self::Leading) and [`Linspace`](Self::Linspace) lay out one
    /// timestep more than `steps` and drop the last: the sampler's last step goes to no noise instead.
    ///
    /// If `steps` equals `trained`, there is no timestep to drop, and each is visited once.
    ///
    /// # Errors
    ///
    /// As [`timesteps`](Self::timesteps).
    pub fn without_last(self, steps: usize, trained: usize) -> Result<Vec<f64>, ScheduleError> {
        match self {
            Self::Leading { .. } | Self::Linspace if (1..trained).contains(&steps) => {
                let mut timesteps = self.timesteps(steps + 1, trained)?;
                timesteps.pop();
                Ok(timesteps)
            }
            _ => self.timesteps(steps, trained),
        }
    }

    fn check(self, steps: usize, trained: usize) -> Result<(), ScheduleError> {
        let available = match self {
            Self::Lcm { original_steps } if !(1..=trained).contains(&original_steps) => {
                return Err(ScheduleError::OriginalSteps { original_steps, trained });
            }
            Self::Lcm { original_steps } => original_steps,
            _ => trained,
        };
        match steps {
            0 => Err(ScheduleError::NoSteps),
            _ if steps > available => Err(ScheduleError::TooManySteps { steps, trained: available }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Spacing; 5] = [
        Spacing::Leading { offset: 0 },
        Spacing::Leading { offset: 1 },
        Spacing::Linspace,
        Spacing::Trailing,
        Spacing::Lcm { original_steps: 50 },
    ];

    fn spaced(spacing: Spacing, steps: usize) -> Vec<f64> {
        spacing.timesteps(steps, 1000).unwrap()
    }

    #[test]
    fn leading_spacing_takes_whole_strides_and_shifts_them() {
        assert_eq!(spaced(Spacing::Leading { offset: 1 }, 7), [853.0, 711.0, 569.0, 427.0, 285.0, 143.0, 1.0]);
        assert_eq!(spaced(Spacing::Leading { offset: 0 }, 4), [750.0, 500.0, 250.0, 0.0]);
    }

    #[test]
    fn trailing_spacing_starts_at_the_last_timestep() {
        assert_eq!(spaced(Spacing::Trailing, 7), [999.0, 856.0, 713.0, 570.0, 428.0, 285.0, 142.0]);
    }

    #[test]
    fn linspace_reaches_both_ends() {
        assert_eq!(spaced(Spacing::Linspace, 5), [999.0, 749.0, 500.0, 250.0, 0.0]);
        assert_eq!(Spacing::Linspace.fractional(5, 1000).unwrap(), [999.0, 749.25, 499.5, 249.75, 0.0]);
    }

    #[test]
    fn lcm_spacing_skips_evenly_through_the_distillation() {
        assert_eq!(spaced(Spacing::Lcm { original_steps: 50 }, 4), [999.0, 759.0, 499.0, 259.0]);
    }

    #[test]
    fn the_multistep_solvers_timesteps_stop_short_of_the_last() {
        let spaced = |spacing: Spacing| spacing.without_last(4, 1000).unwrap();
        assert_eq!(spaced(Spacing::Leading { offset: 1 }), [801.0, 601.0, 401.0, 201.0]);
        assert_eq!(spaced(Spacing::Linspace), [999.0, 749.0, 500.0, 250.0]);
        assert_eq!(spaced(Spacing::Trailing), [999.0, 749.0, 499.0, 249.0]);
    }

    /// Other projects return one step too many, or repeated ones, for several of these counts.
    #[test]
    fn every_spacing_gives_as_many_falling_steps_as_requested_or_an_error() {
        for (spacing, steps) in ALL.into_iter().flat_map(|spacing| (1..=1000).map(move |steps| (spacing, steps))) {
            for timesteps in [Spacing::timesteps, Spacing::fractional, Spacing::without_last] {
                match timesteps(spacing, steps, 1000) {
                    Ok(timesteps) => {
                        assert_eq!(timesteps.len(), steps, "{spacing:?}");
                        assert!(timesteps.windows(2).all(|w| w[0] > w[1]), "{spacing:?} {steps}");
                        assert!(timesteps[steps - 1] >= 0.0 && timesteps[0] <= 999.0, "{spacing:?} {steps}");
                    }
                    Err(error) => {
                        assert_eq!(error, ScheduleError::TooManySteps { steps, trained: 50 });
                        assert!(matches!(spacing, Spacing::Lcm { .. }) && steps > 50, "{spacing:?} {steps}");
                    }
                }
            }
        }
    }

    #[test]
    fn as_many_steps_as_trained_visit_every_timestep_once() {
        let every: Vec<f64> = (0..1000).rev().map(f64::from).collect();
        let leading = |offset| Spacing::Leading { offset };
        for spacing in [leading(0), leading(1), Spacing::Linspace, Spacing::Trailing] {
            assert_eq!(spaced(spacing, 1000), every);
            assert_eq!(spacing.without_last(1000, 1000).unwrap(), every);
        }
    }

    #[test]
    fn an_offset_beyond_the_training_is_refused() {
        let spacing = Spacing::Leading { offset: 21 };
        assert_eq!(spacing.timesteps(50, 1000), Err(ScheduleError::Timestep { timestep: 1001.0, last: 999 }));
    }

    #[test]
    fn impossible_step_counts_are_refused() {
        for spacing in ALL {
            assert_eq!(spacing.timesteps(0, 1000), Err(ScheduleError::NoSteps));
            assert_eq!(spacing.without_last(0, 1000), Err(ScheduleError::NoSteps));
            assert!(matches!(spacing.timesteps(1001, 1000), Err(ScheduleError::TooManySteps { steps: 1001, .. })));
            assert!(matches!(spacing.without_last(1001, 1000), Err(ScheduleError::TooManySteps { steps: 1001, .. })));
        }
        for original_steps in [0, 1001] {
            let refused = ScheduleError::OriginalSteps { original_steps, trained: 1000 };
            assert_eq!(Spacing::Lcm { original_steps }.timesteps(1, 1000), Err(refused));
        }
    }
}
