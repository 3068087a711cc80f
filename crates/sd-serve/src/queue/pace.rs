use std::time::Duration;

/// The share of the newest measurement in the mean.
const NEW: f64 = 0.3;

/// How long images take, from those before.
#[derive(Debug, Default)]
pub struct Pace {
    seconds: Option<f64>,
}

impl Pace {
    /// An image took so long.
    pub fn add(&mut self, time: Duration) {
        let time = time.as_secs_f64();
        self.seconds = Some(self.seconds.map_or(time, |mean| mean + NEW * (time - mean)));
    }

    /// Seconds that so many images take; none before the first was measured.
    pub fn seconds(&self, images: u64) -> Option<f64> {
        self.seconds.map(|mean| mean * images as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_follows_what_is_measured() {
        let mut pace = Pace::default();
        assert_eq!(pace.seconds(1), None);
        pace.add(Duration::from_secs(10));
        assert_eq!(pace.seconds(2), Some(20.0));
        (0..40).for_each(|_| pace.add(Duration::from_secs(1)));
        assert!((pace.seconds(1).unwrap() - 1.0).abs() < 1e-3);
    }
}
