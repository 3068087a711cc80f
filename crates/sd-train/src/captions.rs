use crate::random::{Purpose, Stream};

/// Whether a draw loses its caption, so that the network also learns images without one (classifier-free guidance, Ho &
/// Salimans 2022, algorithm 1).
pub fn is_dropped(seed: u64, draw: u64, probability: f64) -> bool {
    Stream::new(seed, Purpose::Caption, draw).uniform() < probability
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within five standard errors.
    #[test]
    fn captions_are_dropped_as_often_as_requested() {
        let n = 10_000;
        let dropped = (0..n).filter(|draw| is_dropped(5, *draw, 0.1)).count() as f64;
        assert!((dropped / n as f64 - 0.1).abs() < 5.0 * (0.1 * 0.9 / n as f64).sqrt(), "{dropped}");
    }

    #[test]
    fn probabilities_of_zero_and_one_are_never_and_always() {
        assert!((0..1000).all(|draw| !is_dropped(5, draw, 0.0) && is_dropped(5, draw, 1.0)));
    }
}
