use std::f64::consts::PI;

use burn::config::Config;

/// The learning rate of each step: a linear warm-up (Goyal et al. 2017), then half a cosine down (Loshchilov & Hutter
/// 2017, equation 5).
#[derive(Config, Debug, Copy, PartialEq)]
pub struct Rate {
    /// The highest rate.
    pub peak: f64,
    /// Steps of the warm-up: step `i` of them has the rate `peak·(i + 1)/warm_up`.
    pub warm_up: u64,
    /// Steps of the whole training; from this step on, the rate is `last`.
    pub steps: u64,
    /// The final rate.
    #[config(default = 0.0)]
    pub last: f64,
}

impl Rate {
    /// Returns the rate of a step, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warm_up {
            return self.peak * (step + 1) as f64 / self.warm_up as f64;
        }
        if step >= self.steps {
            return self.last;
        }
        let share = (step - self.warm_up) as f64 / (self.steps - self.warm_up) as f64;
        self.last + (self.peak - self.last) * 0.5 * (1.0 + (PI * share).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { peak: 2.0, warm_up: 4, steps: 104, last: 0.5 };

    #[test]
    fn the_rate_rises_straight_to_its_peak() {
        assert_eq!([0, 1, 2, 3, 4].map(|step| RATE.at(step)), [0.5, 1.0, 1.5, 2.0, 2.0]);
    }

    #[test]
    fn the_rate_falls_along_a_cosine() {
        assert!((RATE.at(4 + 50) - 1.25).abs() < 1e-12, "the middle");
        let third = 0.5 + 1.5 * 0.75; // (1 + cos 60°)/2 = 3/4
        assert!((Rate { steps: 34, ..RATE }.at(4 + 10) - third).abs() < 1e-12);
        assert!((4..104).all(|step| RATE.at(step) > RATE.at(step + 1)));
    }

    #[test]
    fn after_the_training_the_rate_is_the_last() {
        assert_eq!([104, 105, 1000].map(|step| RATE.at(step)), [0.5; 3]);
    }

    #[test]
    fn a_warm_up_longer_than_the_training_ends_at_the_last_rate() {
        let rate = Rate { warm_up: 10, steps: 5, ..RATE };
        assert_eq!((rate.at(9), rate.at(10)), (2.0, 0.5));
    }
}
