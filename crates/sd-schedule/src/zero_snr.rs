use crate::NoiseSchedule;

/// The smallest positive 16-bit float, diffusers' stand-in for an `alpha_bar` of 0.
const LAST_ALPHA_BAR: f64 = 1.0 / (1 << 24) as f64;
/// Ratio of the last `alpha_bar` to the one before, if that is already below the stand-in. It is so small that, as with 0,
/// a DDPM step keeps nothing of its input noise.
const LAST_SHARE: f64 = 1.0 / (1 << 20) as f64;
/// Keeps levels within the range in which single precision can scale an image: 10⁹ here, and 10¹² for the last.
const SMALLEST_ALPHA_BAR: f64 = 1.0 / (1_u64 << 60) as f64;

impl NoiseSchedule {
    /// Stretches this schedule until nothing of the image is left at the last timestep (Lin et al. 2023, algorithm 1):
    /// `sqrt(alpha_bar)` is shifted so that the last becomes 0, and scaled so that the first stays.
    ///
    /// The last `alpha_bar` is 2⁻²⁴ instead of 0, a noise level of 4096: in variance-exploding form, the level of pure noise
    /// would be infinite. diffusers makes the same choice (Euler, DPM-Solver, UniPC). Linear betas come closer to 0 than
    /// that before the last timestep (2⁻²⁸ at 998). The last `alpha_bar` is then 2⁻²⁰ of the one before, so that levels rise
    /// throughout. In a schedule of one timestep, the only level becomes 4096.
    pub fn with_zero_terminal_snr(self) -> Self {
        let root = |t| self.alpha_bar(t).sqrt();
        let (first, last) = (root(0), root(self.len() - 1));
        let stretched = (0..self.len() - 1).map(|t| ((root(t) - last) * (first / (first - last))).powi(2));
        // `max` also replaces NaN, which 0/0 gives in a schedule whose first level is its last.
        let mut alpha_bar: Vec<f64> = stretched.map(|alpha_bar| alpha_bar.max(SMALLEST_ALPHA_BAR)).collect();
        alpha_bar.push(match alpha_bar.last() {
            Some(before) if *before <= LAST_ALPHA_BAR => before * LAST_SHARE,
            _ => LAST_ALPHA_BAR,
        });
        let mut schedule = Self::from_alpha_bar(alpha_bar);
        schedule.zero_terminal_snr = true;
        schedule
    }

    /// Whether [`with_zero_terminal_snr`](Self::with_zero_terminal_snr) made this schedule.
    ///
    /// At its last timestep a noise prediction carries no information about the image, so models with such a schedule
    /// predict the velocity or the image.
    pub fn has_zero_terminal_snr(&self) -> bool {
        self.zero_terminal_snr
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BetaSchedule;

    fn schedule(betas: BetaSchedule, count: usize) -> NoiseSchedule {
        NoiseSchedule::from_betas(&betas.betas(count, 0.00085, 0.012).unwrap()).unwrap()
    }

    #[test]
    fn the_first_level_stays_and_the_last_is_4096() {
        let (before, after) = (
            schedule(BetaSchedule::ScaledLinear, 1000),
            schedule(BetaSchedule::ScaledLinear, 1000).with_zero_terminal_snr(),
        );
        assert!((after.sigma_min() / before.sigma_min() - 1.0).abs() < 1e-12);
        assert!((after.sigma_max() - 4096.0).abs() < 1e-3);
        assert!(after.has_zero_terminal_snr() && !before.has_zero_terminal_snr());
    }

    /// Regression test: the last levels of DDPM's betas once coincided.
    #[test]
    fn levels_of_linear_betas_rise_to_the_last() {
        let schedule = NoiseSchedule::from_betas(&BetaSchedule::Linear.betas(1000, 0.0001, 0.02).unwrap()).unwrap();
        let schedule = schedule.with_zero_terminal_snr();
        let levels: Vec<f64> = (0..1000).map(|t| schedule.sigma(f64::from(t))).collect();
        assert!(levels.windows(2).all(|w| w[0] < w[1]));
        // As in diffusers: alpha_bar at 998 is the square of the difference of sqrt(alpha_bar) at 998 and 999.
        assert!((levels[998] - 15406.03).abs() < 0.01, "{}", levels[998]);
    }

    /// In between, the new square root is an affine function of the old one.
    #[test]
    fn the_levels_between_the_ends_keep_their_proportions() {
        let (before, after) =
            (schedule(BetaSchedule::Linear, 1000), schedule(BetaSchedule::Linear, 1000).with_zero_terminal_snr());
        let share = |s: &NoiseSchedule, last: f64| {
            let root = |t| s.alpha_bar(t).sqrt();
            (root(400) - last) / (root(0) - last)
        };
        assert!((share(&before, before.alpha_bar(999).sqrt()) - share(&after, 0.0)).abs() < 1e-12);
    }

    #[test]
    fn extreme_schedules_have_finite_levels_that_never_fall() {
        for (betas, count) in
            [(BetaSchedule::SquaredCosCapV2, 20_000), (BetaSchedule::Linear, 2), (BetaSchedule::Linear, 1)]
        {
            let schedule = schedule(betas, count).with_zero_terminal_snr();
            let levels: Vec<f64> = (0..count).map(|t| schedule.sigma(t as f64)).collect();
            assert!(levels.windows(2).all(|w| w[0] <= w[1]), "{betas:?} {count}");
            assert!(levels[count - 1] >= 4096.0 - 1e-3 && levels[count - 1] < 1e13, "{betas:?} {count}");
        }
    }
}
