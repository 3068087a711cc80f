use crate::random::{Purpose, Stream};

/// Whether a draw loses its caption, so that the network also learns images without one (classifier-free guidance, Ho &
/// Salimans 2022, algorithm 1).
pub fn is_dropped(seed: u64, draw: u64, probability: f64) -> bool {
    Stream::new(seed, Purpose::Caption, draw).uniform() < probability
}

/// Returns a caption with its tags, the parts between commas, in a random order for this draw; the first `kept` stay in front.
/// As in kohya's programs (`shuffle_caption`, `keep_tokens`), the network then does not learn an order.
pub fn shuffled_tags(caption: &str, kept: usize, seed: u64, draw: u64) -> String {
    let mut tags: Vec<&str> = caption.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
    let kept = kept.min(tags.len());
    Stream::new(seed, Purpose::Tags, draw).shuffle(&mut tags[kept..]);
    tags.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn tags_come_in_every_order_behind_those_that_are_kept() {
        let orders: BTreeSet<String> = (0..200).map(|draw| shuffled_tags("a, b,c ,, d", 1, 5, draw)).collect();
        let expected = ["a, b, c, d", "a, b, d, c", "a, c, b, d", "a, c, d, b", "a, d, b, c", "a, d, c, b"];
        assert_eq!(orders.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        assert!((0..20).all(|draw| shuffled_tags("a, b", 9, 5, draw) == "a, b"));
        assert_eq!(shuffled_tags("", 0, 5, 1), "");
    }

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
