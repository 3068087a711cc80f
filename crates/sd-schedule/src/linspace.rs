/// `count` evenly spaced values from `start` to `end`, both included; a single one is `start`.
pub(crate) fn linspace(start: f64, end: f64, count: usize) -> impl Iterator<Item = f64> {
    let last = (count - 1).max(1) as f64;
    (0..count).map(move |i| start + (end - start) * (i as f64 / last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_reached_and_a_single_value_is_the_start() {
        assert_eq!(linspace(3.0, 1.0, 5).collect::<Vec<_>>(), [3.0, 2.5, 2.0, 1.5, 1.0]);
        assert_eq!(linspace(3.0, 1.0, 1).collect::<Vec<_>>(), [3.0]);
    }
}
