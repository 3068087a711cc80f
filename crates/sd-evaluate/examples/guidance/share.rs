use sd_evaluate::Score;

/// A share in per cent, with its 95 % interval.
pub fn percent(score: Score) -> String {
    let (low, high) = score.interval();
    let [share, low, high] = [score.share(), low, high].map(|share| 100.0 * share);
    format!("{share:.1} ({low:.1}–{high:.1})")
}

/// What the share of right images gains over that of others with the same captions and noise, in per cent, with half its
/// 95 % interval: only images that one of both got right count (McNemar 1947).
pub fn gain(right: &[bool], others: &[bool]) -> String {
    let only = |of: &[bool], not: &[bool]| of.iter().zip(not).filter(|(of, not)| **of && !**not).count() as f64;
    let (won, lost, n) = (only(right, others), only(others, right), right.len() as f64);
    let half = 1.96 * (won + lost - (won - lost).powi(2) / n).sqrt() / n;
    format!("{:+.1} ± {:.1}", 100.0 * (won - lost) / n, 100.0 * half)
}
