use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The time that is looked back at.
const WINDOW: Duration = Duration::from_secs(60);

/// Images per second, over the last minute.
#[derive(Debug, Default)]
pub struct Rate {
    counts: VecDeque<(Instant, usize)>,
}

impl Rate {
    /// Takes the number of images now, and returns how many there are per second.
    pub fn at(&mut self, count: usize) -> f64 {
        self.at_time(Instant::now(), count)
    }

    fn at_time(&mut self, now: Instant, count: usize) -> f64 {
        self.counts.push_back((now, count));
        while self.counts.len() > 2 && now - self.counts[1].0 >= WINDOW {
            self.counts.pop_front();
        }
        let (since, before) = self.counts[0];
        let seconds = (now - since).as_secs_f64();
        if seconds > 0.0 { count.saturating_sub(before) as f64 / seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minute() {
        let (mut rate, start) = (Rate::default(), Instant::now());
        let mut at = |second: u64, count| rate.at_time(start + Duration::from_secs(second), count);
        assert_eq!(at(0, 100), 0.0);
        assert_eq!(at(10, 110), 1.0);
        assert_eq!(at(60, 160), 1.0);
        assert_eq!(at(120, 400), 4.0);
        assert_eq!(at(200, 400), 0.0);
    }
}
