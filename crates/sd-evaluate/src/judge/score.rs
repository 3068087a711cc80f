use serde::{Deserialize, Serialize};

/// The number of right cases among all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Number of cases.
    pub cases: u64,
    /// Number of right cases.
    pub right: u64,
}

impl Score {
    /// The share of right cases, 0 to 1; NaN if there are no cases.
    pub fn share(self) -> f64 {
        self.right as f64 / self.cases as f64
    }

    /// The 95 % interval of the probability of being right, 0 to 1 (Wilson 1927; equation 4 of Brown, Cai & DasGupta
    /// 2001). Without cases it is all of 0 to 1.
    pub fn interval(self) -> (f64, f64) {
        /// The 97.5th percentile of the standard normal distribution.
        const Z: f64 = 1.959_963_984_540_054;
        if self.cases == 0 {
            return (0.0, 1.0);
        }
        let (n, p) = (self.cases as f64, self.share());
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        // At shares of 0 and 1 the ends are 0 and 1 up to rounding.
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }

    /// Counts a case.
    pub fn count(&mut self, is_right: bool) {
        self.cases += 1;
        self.right += u64::from(is_right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_interval(right: u64, cases: u64, low: f64, high: f64) {
        let found = Score { cases, right }.interval();
        assert!((found.0 - low).abs() < 5e-5 && (found.1 - high).abs() < 5e-5, "{right}/{cases}: {found:?}");
    }

    /// Newcombe 1998, table I, method 3.
    #[test]
    fn intervals_are_those_of_the_literature() {
        assert_interval(81, 263, 0.2553, 0.3662);
        assert_interval(15, 148, 0.0624, 0.1605);
        assert_interval(0, 20, 0.0, 0.1611);
        assert_interval(1, 29, 0.0061, 0.1718);
    }

    #[test]
    fn right_and_wrong_are_mirror_images_and_no_cases_say_nothing() {
        let (low, high) = Score { cases: 40, right: 9 }.interval();
        let mirrored = Score { cases: 40, right: 31 }.interval();
        assert!((low + mirrored.1 - 1.0).abs() < 1e-12 && (high + mirrored.0 - 1.0).abs() < 1e-12);
        assert_eq!(Score::default().interval(), (0.0, 1.0));
    }
}
