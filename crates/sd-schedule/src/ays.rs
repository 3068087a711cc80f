//! The published levels of "Align Your Steps" (Sabour et al. 2024, table 3), each of 10 steps.

/// Stable Diffusion 1.5.
pub(crate) const SD1: [f64; 11] = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029];

/// Stable Diffusion XL.
pub(crate) const SDXL: [f64; 11] = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029];

/// The first `steps` of `steps + 1` levels along the table, interpolated in `log sigma`. As in the authors' how-to, the
/// caller appends 0 in place of the table's last level.
pub(crate) fn levels(table: &[f64; 11], steps: usize) -> impl Iterator<Item = f64> {
    let stride = (table.len() - 1) as f64 / steps as f64;
    (0..steps).map(move |i| {
        let at = i as f64 * stride;
        let (low, share) = (at.floor() as usize, at.fract());
        table[low].powf(1.0 - share) * table[low + 1].powf(share)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_steps_are_the_table_itself() {
        for table in [SD1, SDXL] {
            assert_eq!(levels(&table, 10).collect::<Vec<_>>(), table[..10]);
        }
    }

    #[test]
    fn twice_the_steps_lie_at_the_geometric_means() {
        let levels: Vec<f64> = levels(&SD1, 20).collect();
        for i in 0..10 {
            assert_eq!(levels[2 * i], SD1[i]);
            assert!((levels[2 * i + 1] - (SD1[i] * SD1[i + 1]).sqrt()).abs() < 1e-12);
        }
    }
}
