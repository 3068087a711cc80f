//! Blocks of 256 weights, in groups of 32 with a scale and a minimum.

use crate::scale::put_scale;

/// A group's step and how far its lowest number is below zero.
#[derive(Clone, Copy, Default)]
struct Fit {
    step: f32,
    below: f32,
}

/// The highest integer of a weight, and of a scale or a minimum.
const HIGHEST: [f32; 2] = [15.0, 63.0];

/// Each group gets the step and the minimum with the least squared error that a short search finds. Both are then rounded to
/// multiples of the block's scales, and the weights to what remains.
pub(crate) fn q4_k(values: &[f32], block: &mut [u8]) {
    let mut fits = [Fit::default(); 8];
    for (fit, group) in fits.iter_mut().zip(values.chunks_exact(32)) {
        *fit = best_fit(group);
    }
    let most = |part: fn(&Fit) -> f32| fits.iter().map(part).fold(0.0, f32::max);
    let d = put_scale(block, 0, most(|fit| fit.step) / HIGHEST[1]);
    let d_min = put_scale(block, 2, most(|fit| fit.below) / HIGHEST[1]);
    let parts = |whole: f32, part: f32| if part > 0.0 { (whole / part).round().min(HIGHEST[1]) as u8 } else { 0 };
    for (group, (fit, values)) in fits.iter().zip(values.chunks_exact(32)).enumerate() {
        let (step, below) = (parts(fit.step, d), parts(fit.below, d_min));
        put_group_scales(&mut block[4..16], group, step, below);
        let (step, below) = (d * f32::from(step), d_min * f32::from(below));
        let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
        for (byte, value) in block[16 + group / 2 * 32..][..32].iter_mut().zip(values) {
            let integer = ((value + below) * inverse).round().clamp(0.0, HIGHEST[0]) as u8;
            *byte |= integer << (group % 2 * 4);
        }
    }
}

/// Writes scale and minimum of a group to twelve bytes, the inverse of `widen_super::group_scales`.
fn put_group_scales(bytes: &mut [u8], group: usize, step: u8, below: u8) {
    match group {
        0..4 => {
            bytes[group] |= step;
            bytes[4 + group] |= below;
        }
        _ => {
            bytes[4 + group] |= step & 15 | (below & 15) << 4;
            bytes[group - 4] |= step >> 4 << 6;
            bytes[group] |= below >> 4 << 6;
        }
    }
}

/// Returns the fit with the least squared error among some ranges, narrower and wider than that of the weights. For each, the
/// weights are rounded to integers, and the line through these is fitted by least squares.
fn best_fit(values: &[f32]) -> Fit {
    let low = values.iter().fold(0.0_f32, |low, value| low.min(*value));
    let high = values.iter().fold(low, |high, value| high.max(*value));
    if high <= low {
        return Fit { step: 0.0, below: -low };
    }
    let mut best = Fit { step: (high - low) / HIGHEST[0], below: -low };
    let mut least = error(values, best);
    for candidate in 0..=20 {
        let step = (high - low) / (HIGHEST[0] - 1.0 + 0.1 * candidate as f32);
        let fit = fitted(values, Fit { step, below: -low });
        let found = error(values, fit);
        if found < least {
            (best, least) = (fit, found);
        }
    }
    best
}

/// Returns the least-squares line through the integers that a fit gives. Its minimum is not above zero.
fn fitted(values: &[f32], fit: Fit) -> Fit {
    let [mut sum_q, mut sum_qq, mut sum_x, mut sum_qx] = [0.0; 4];
    for &x in values {
        let q = integer(x, fit);
        (sum_q, sum_qq, sum_x, sum_qx) = (sum_q + q, sum_qq + q * q, sum_x + x, sum_qx + q * x);
    }
    let count = values.len() as f32;
    let determinant = count * sum_qq - sum_q * sum_q;
    if determinant <= 0.0 {
        return fit;
    }
    let (step, start) =
        ((count * sum_qx - sum_q * sum_x) / determinant, (sum_qq * sum_x - sum_q * sum_qx) / determinant);
    if start > 0.0 { Fit { step: sum_qx / sum_qq, below: 0.0 } } else { Fit { step: step.max(0.0), below: -start } }
}

fn integer(value: f32, fit: Fit) -> f32 {
    if fit.step > 0.0 { ((value + fit.below) / fit.step).round().clamp(0.0, HIGHEST[0]) } else { 0.0 }
}

fn error(values: &[f32], fit: Fit) -> f32 {
    values.iter().map(|&x| (fit.step * integer(x, fit) - fit.below - x).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use crate::BlockKind;

    /// Returns the root of the mean squared error of a kind, for weights of a bell curve's kind.
    fn error(kind: BlockKind) -> f64 {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        let values: Vec<f32> = (0..64 * 256).map(|_| (0..6).map(|_| next()).sum()).collect();
        let blocks = kind.quantize(&values).unwrap();
        let mut wide = vec![0.0; kind.values()];
        let pairs = values.chunks(kind.values()).zip(blocks.chunks(kind.bytes()));
        let sum: f64 = pairs
            .map(|(values, block)| {
                kind.widen(block, &mut wide);
                values.iter().zip(&wide).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
            })
            .sum();
        (sum / values.len() as f64).sqrt()
    }

    #[test]
    fn a_minimum_for_each_group_is_more_precise_than_a_scale_alone() {
        // The weights' standard deviation is 0.71, and a block's range some 3, in 15 steps.
        let [four, grouped, eight] = [BlockKind::Q4_0, BlockKind::Q4_K, BlockKind::Q8_0].map(error);
        assert!(grouped < 0.85 * four && grouped < 0.06 && eight < 0.005, "{four}, {grouped}, {eight}");
    }

    #[test]
    fn groups_of_any_range_keep_it() {
        // Constant groups, positive and negative ones, and ranges that differ by a thousand.
        let mut values = vec![0.0; 256];
        for (i, value) in values.iter_mut().enumerate() {
            let within = (i % 32) as f32 / 31.0;
            *value = match i / 32 {
                0 => 0.5,
                1 => -0.5,
                2 => 1.0 + within,
                3 => -1.0 - within,
                4 => within - 0.5,
                _ => (within - 0.5) * 1e-3,
            };
        }
        let block = BlockKind::Q4_K.quantize(&values).unwrap();
        let mut wide = [0.0; 256];
        BlockKind::Q4_K.widen(&block, &mut wide);
        for (i, (value, wide)) in values.iter().zip(wide).enumerate() {
            assert!((value - wide).abs() < 0.08, "{i}: {value} became {wide}");
        }
    }
}
