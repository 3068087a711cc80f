use crate::linspace::linspace;
use crate::{NoiseLevels, NoiseSchedule, Process, ScheduleError, ays, quantiles};

/// Noise levels laid out directly, rather than at whole timesteps of the training.
///
/// Each grid has `steps` levels that start at the training's noisiest, followed by 0. Only the published tables
/// ([`AysSd1`](Self::AysSd1), [`AysSdxl`](Self::AysSdxl)) have their own ends.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Grid {
    /// Evenly in `sigma^(1/rho)` from the largest trained level to the smallest (Karras et al. 2022, equation 5).
    Karras {
        /// How densely the levels crowd at the low end: 7 in the paper; 1 is even in `sigma`.
        rho: f64,
    },
    /// Evenly in `log sigma` from the largest trained level to the smallest.
    Exponential,
    /// As [`Exponential`](Self::Exponential), with the remaining fraction, 1 to 0, raised to `rho` (k-diffusion).
    Polyexponential {
        /// Above 1 the levels crowd at the low end, below 1 at the high end; 1 is [`Exponential`](Self::Exponential).
        rho: f64,
    },
    /// Evenly in timesteps from the last trained to the first, with `log sigma` interpolated (k-diffusion's default, known
    /// as "normal" elsewhere).
    Normal,
    /// Evenly in timesteps from the last trained, one stride short of the first (Stability AI's generative models).
    SgmUniform,
    /// Every `trained / steps`-th trained level from the noisiest, rounded down (ComfyUI).
    Simple,
    /// At timesteps that are quantiles of the distribution Beta(0.6, 0.6): dense at both ends (Lee et al. 2024).
    ///
    /// Timesteps are rounded to whole ones as in ComfyUI, unless rounding makes two of them equal.
    Beta,
    /// At *levels* that are quantiles of Beta(0.6, 0.6) between the ends. diffusers' `use_beta_sigmas` and AUTOMATIC1111's
    /// "beta" do this. Both cite the paper of [`Beta`](Self::Beta), which spaces timesteps instead.
    BetaSigmas,
    /// "Align Your Steps" for Stable Diffusion 1 (Sabour et al. 2024, table 3): 10 optimised steps, interpolated in
    /// `log sigma` for other counts.
    AysSd1,
    /// "Align Your Steps" for Stable Diffusion XL, as [`AysSd1`](Self::AysSd1).
    AysSdxl,
    /// Evenly in `arctan sigma` from the largest trained level to the smallest: least divergence for Gaussian data
    /// (Sabour et al. 2024, theorem 3.1).
    KlOptimal,
}

impl Grid {
    /// Returns the levels of `steps` steps; the last step goes to 0. A single step starts at the noisiest level.
    ///
    /// # Errors
    ///
    /// [`ScheduleError::NoSteps`], [`ScheduleError::TooManySteps`] for more [`Simple`](Self::Simple) steps than
    /// trained, and those of [`NoiseLevels::new`] for a `rho` or a schedule with which the levels do not fall.
    pub fn levels(self, schedule: &NoiseSchedule, steps: usize) -> Result<NoiseLevels, ScheduleError> {
        self.lay_out(|t| schedule.sigma(t), schedule.len(), steps)
    }

    /// As [`levels`](Self::levels), for any process.
    ///
    /// # Errors
    ///
    /// As [`levels`](Self::levels).
    pub fn levels_of(self, process: &Process, steps: usize) -> Result<NoiseLevels, ScheduleError> {
        let first = match process {
            // Whose timestep 0 is free of noise.
            Process::RectifiedFlow(_) => 1.0,
            _ => 0.0,
        };
        self.lay_out(|t| process.sigma(first + t), process.timesteps(), steps)
    }

    /// Lays out the levels between those at the first and the last of so many `trained` timesteps.
    fn lay_out(
        self,
        at: impl Fn(f64) -> f64 + Copy,
        trained: usize,
        steps: usize,
    ) -> Result<NoiseLevels, ScheduleError> {
        if steps == 0 {
            return Err(ScheduleError::NoSteps);
        }
        let last = (trained - 1) as f64;
        let (max, min) = (at(last), at(0.0));
        let mut sigmas: Vec<f64> = match self {
            Self::Karras { rho } => {
                linspace(max.powf(1.0 / rho), min.powf(1.0 / rho), steps).map(|root| root.powf(rho)).collect()
            }
            Self::Exponential => linspace(max.ln(), min.ln(), steps).map(f64::exp).collect(),
            Self::Polyexponential { rho } => {
                linspace(1.0, 0.0, steps).map(|left| min * (max / min).powf(left.powf(rho))).collect()
            }
            Self::Normal => linspace(last, 0.0, steps).map(at).collect(),
            Self::SgmUniform => linspace(last, 0.0, steps + 1).take(steps).map(at).collect(),
            Self::Simple => simple(trained, steps)?.map(at).collect(),
            Self::Beta => quantiles::timesteps(last, steps).into_iter().map(at).collect(),
            Self::BetaSigmas => quantiles::between(max, min, steps).collect(),
            Self::AysSd1 => ays::levels(&ays::SD1, steps).collect(),
            Self::AysSdxl => ays::levels(&ays::SDXL, steps).collect(),
            Self::KlOptimal => linspace(max.atan(), min.atan(), steps).map(f64::tan).collect(),
        };
        sigmas.push(0.0);
        NoiseLevels::new(sigmas)
    }
}

/// Every `trained / steps`-th timestep from the noisiest, rounded down.
fn simple(trained: usize, steps: usize) -> Result<impl Iterator<Item = f64>, ScheduleError> {
    if steps > trained {
        return Err(ScheduleError::TooManySteps { steps, trained });
    }
    let stride = trained as f64 / steps as f64;
    Ok((0..steps).map(move |i| (trained - 1) as f64 - (i as f64 * stride).floor()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BetaSchedule;

    const ALL: [Grid; 11] = [
        Grid::Karras { rho: 7.0 },
        Grid::Exponential,
        Grid::Polyexponential { rho: 2.0 },
        Grid::Normal,
        Grid::SgmUniform,
        Grid::Simple,
        Grid::Beta,
        Grid::BetaSigmas,
        Grid::AysSd1,
        Grid::AysSdxl,
        Grid::KlOptimal,
    ];

    fn schedule(betas: BetaSchedule) -> NoiseSchedule {
        NoiseSchedule::from_betas(&betas.betas(1000, 0.00085, 0.012).unwrap()).unwrap()
    }

    fn sd() -> NoiseSchedule {
        schedule(BetaSchedule::ScaledLinear)
    }

    /// The levels without the closing 0.
    fn sigmas(grid: Grid, steps: usize) -> Vec<f64> {
        grid.levels(&sd(), steps).unwrap().pairs().map(|(from, _)| from).collect()
    }

    /// `NoiseLevels` itself refuses levels that do not fall.
    #[test]
    fn every_grid_gives_as_many_falling_steps_as_requested() {
        let cosine = schedule(BetaSchedule::SquaredCosCapV2);
        for schedule in [sd(), sd().with_zero_terminal_snr(), cosine, schedule(BetaSchedule::Sigmoid)] {
            for grid in ALL {
                for steps in [1, 2, 3, 7, 10, 28, 30, 50, 300, 999, 1000] {
                    let levels = grid.levels(&schedule, steps).unwrap();
                    assert_eq!((levels.steps(), levels.last()), (steps, 0.0), "{grid:?}");
                }
            }
        }
    }

    #[test]
    fn a_grid_starts_at_the_noisiest_level_even_with_one_step() {
        for grid in ALL.into_iter().filter(|grid| !matches!(grid, Grid::AysSd1 | Grid::AysSdxl)) {
            for steps in [1, 2, 10] {
                let first = grid.levels(&sd(), steps).unwrap().first();
                assert!((first / sd().sigma_max() - 1.0).abs() < 1e-12, "{grid:?} {steps}");
            }
        }
    }

    #[test]
    fn grids_between_the_ends_of_the_training_reach_both() {
        let grids = [Grid::Karras { rho: 7.0 }, Grid::Exponential, Grid::Normal, Grid::BetaSigmas, Grid::KlOptimal];
        for grid in grids {
            assert!((sigmas(grid, 10)[9] / sd().sigma_min() - 1.0).abs() < 1e-12, "{grid:?}");
        }
    }

    #[test]
    fn karras_levels_with_rho_one_are_evenly_spaced() {
        let levels = sigmas(Grid::Karras { rho: 1.0 }, 5);
        for step in levels.windows(2) {
            assert!((step[0] - step[1] - (sd().sigma_max() - sd().sigma_min()) / 4.0).abs() < 1e-12);
        }
    }

    #[test]
    fn exponential_levels_have_one_ratio_and_are_polyexponential_with_rho_one() {
        let levels = sigmas(Grid::Exponential, 5);
        for step in levels.windows(2) {
            assert!((step[0] / step[1] / (levels[0] / levels[1]) - 1.0).abs() < 1e-12);
        }
        for (level, expected) in levels.iter().zip(sigmas(Grid::Polyexponential { rho: 1.0 }, 5)) {
            assert!((level / expected - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn levels_of_least_divergence_are_evenly_spaced_angles() {
        let angles: Vec<f64> = sigmas(Grid::KlOptimal, 5).into_iter().map(f64::atan).collect();
        for step in angles.windows(2) {
            assert!((step[0] - step[1] - (angles[0] - angles[4]) / 4.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_grids_in_timesteps_visit_the_timesteps_they_promise() {
        let timesteps = |grid, steps| -> Vec<f64> { sigmas(grid, steps).into_iter().map(|s| sd().t(s)).collect() };
        assert_eq!(timesteps(Grid::Normal, 4), [999.0, 666.0, 333.0, 0.0]);
        assert_eq!(timesteps(Grid::SgmUniform, 3), [999.0, 666.0, 333.0]);
        assert_eq!(timesteps(Grid::Simple, 3), [999.0, 666.0, 333.0]);
        assert_eq!(timesteps(Grid::Simple, 4), [999.0, 749.0, 499.0, 249.0]);
    }

    #[test]
    fn impossible_grids_are_refused() {
        assert_eq!(Grid::Normal.levels(&sd(), 0), Err(ScheduleError::NoSteps));
        let refused = ScheduleError::TooManySteps { steps: 1001, trained: 1000 };
        assert_eq!(Grid::Simple.levels(&sd(), 1001), Err(refused));
        for rho in [0.0, f64::NAN, f64::INFINITY] {
            assert!(Grid::Karras { rho }.levels(&sd(), 10).is_err(), "{rho}");
            assert!(Grid::Polyexponential { rho }.levels(&sd(), 10).is_err(), "{rho}");
        }
    }
}
