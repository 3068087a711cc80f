use crate::NoiseSchedule;

/// The smallest positive 16-bit float, diffusers' stand-in for an `alpha_bar` of 0.
const LAST_ALPHA_BAR: f64 = 1.0 / (1 << 24) as f64;
/// What the last `alpha_bar` is of the one before, where that is below the stand-in already: so little that, as with 0, a
/// step of DDPM keeps nothing of the noise it comes from.
const LAST_SHARE: f64 = 1.0 / (1 << 20) as f64;
/// Keeps levels within what single precision can multiply an image with: 10⁹ here, and 10¹² for the last.
const SMALLEST_ALPHA_BAR: f64 = 1.0 / (1_u64 << 60) as f64;

impl NoiseSchedule {
    /// This schedule, stretched until nothing of the image is left at the last timestep (Lin et al. 2023, algorithm 1):
    /// `sqrt(alpha_bar)` is shifted so that the last is 0, and scaled so that the first stays.
    ///
    /// The last `alpha_bar` is 2⁻²⁴ instead of 0, a noise level of 4096: in variance-exploding form a level without any
    /// image would be infinite. It is diffusers' choice too (Euler, DPM-Solver, UniPC). Linear betas come closer to 0 than
    /// that before the last timestep (2⁻²⁸ at 998); the last `alpha_bar` is then 2⁻²⁰ of the one before, so that levels rise
    /// throughout. The only level of a schedule of one timestep becomes 4096.
    pub fn with_zero_terminal_snr(self) -> Self {
        let root = |t| self.alpha_bar(t).sqrt();
        let (first, last) = (root(0), root(self.len() - 1));
        let stretched = (0..self.len() - 1).map(|t| ((root(t) - last) * (first / (first - last))).powi(2));
        // `max` also turns the NaN of a schedule whose first level is its last, 0/0, into a level.
        let mut alpha_bar: Vec<f64> = stretched.map(|alpha_bar| alpha_bar.max(SMALLEST_ALPHA_BAR)).collect();
        alpha_bar.push(match alpha_bar.last() {
            Some(before) if *before <= LAST_ALPHA_BAR => before * LAST_SHARE,
            _ => LAST_ALPHA_BAR,
        });
        let mut schedule = Self::from_alpha_bar(alpha_bar);
        schedule.zero_terminal_snr = true;
        schedule
    }

    /// Whether the schedule is one that [`with_zero_terminal_snr`](Self::with_zero_terminal_snr) made.
    ///
    /// A noise prediction says nothing about the image there, so a model of such a schedule predicts the velocity or
    /// the image.
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

    /// The betas of DDPM, whose last levels once fell together.
    #[test]
    fn levels_of_linear_betas_rise_to_the_last() {
        let schedule = NoiseSchedule::from_betas(&BetaSchedule::Linear.betas(1000, 0.0001, 0.02).unwrap()).unwrap();
        let schedule = schedule.with_zero_terminal_snr();
        let levels: Vec<f64> = (0..1000).map(|t| schedule.sigma(f64::from(t))).collect();
        assert!(levels.windows(2).all(|w| w[0] < w[1]));
        // As in diffusers: the square of what is left of sqrt(alpha_bar) at 998 when that of 999 is taken off.
        assert!((levels[998] - 15406.03).abs() < 0.01, "{}", levels[998]);
    }

    /// In between, the square root is an affine function of what it was.
    #[test]
    fn the_way_between_the_ends_keeps_its_proportions() {
        let (before, after) =
            (schedule(BetaSchedule::Linear, 1000), schedule(BetaSchedule::Linear, 1000).with_zero_terminal_snr());
        let share = |s: &NoiseSchedule, last: f64| {
            let root = |t| s.alpha_bar(t).sqrt();
            (root(400) - last) / (root(0) - last)
        };
        assert!((share(&before, before.alpha_bar(999).sqrt()) - share(&after, 0.0)).abs() < 1e-12);
    }

    #[test]
    fn levels_never_fall_below_one_before_and_are_numbers_in_extreme_schedules_too() {
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
