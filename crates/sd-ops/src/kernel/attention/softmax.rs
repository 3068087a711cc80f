//! The steps between an attention's products. Queries are lanes.

#![expect(unsafe_code, reason = "loads and stores in buffers of matching sizes")]

use crate::kernel::simd::Vector;

/// Replaces the scores, `[keys, queries]`, by powers of two relative to each query's largest score so far. If that has
/// grown, the earlier sums are scaled down.
///
/// With `PAIRS` they become pairs, `[pairs of keys, queries]`; the last key of an odd number is paired with zero.
///
/// A key that a query does not see has a score of minus infinity. Its weight is 2⁻¹²⁶ of the largest: nothing in single
/// precision.
#[inline(always)]
pub(super) fn exponentials<V: Vector, const PAIRS: bool>(
    scores: &mut [f32],
    most: &mut [f32],
    sums: &mut [f32],
    out: &mut [f32],
) {
    let pair = 2 * V::LANES;
    assert!(most.len() == pair && sums.len() == pair);
    assert!(scores.len().is_multiple_of(pair) && out.len().is_multiple_of(pair));
    let keys = scores.len() / pair;
    for half in [0, V::LANES] {
        // SAFETY: one of the two vectors of each row. Rows of pairs are written over rows that were read.
        unsafe {
            let (most, sums) = (most.as_mut_ptr().add(half), sums.as_mut_ptr().add(half));
            let (before, scores) = (V::load(most), scores.as_mut_ptr().add(half));
            let largest = largest(scores, keys, before);
            let mut sum = V::load(sums);
            if largest.sub(before).largest() > 0.0 {
                largest.store(most);
                let factor = before.sub(largest).exp2();
                sum = sum.mul(factor);
                for at in (half..out.len()).step_by(pair) {
                    let at = out.as_mut_ptr().add(at);
                    V::load(at).mul(factor).store(at);
                }
            }
            let mut key = 0;
            while key < keys {
                let first = V::load(scores.add(key * pair)).sub(largest).exp2();
                sum = sum.add(first);
                if !PAIRS {
                    first.store(scores.add(key * pair));
                    key += 1;
                    continue;
                }
                let mut second = V::splat(0.0);
                if key + 1 < keys {
                    second = V::load(scores.add((key + 1) * pair)).sub(largest).exp2();
                    sum = sum.add(second);
                }
                first.pair(second).store(scores.add(key / 2 * pair));
                key += 2;
            }
            sum.store(sums);
        }
    }
}

/// Returns the largest of `before` and one vector in each of `rows` rows. Several comparisons run at a time, because each takes
/// four cycles.
///
/// # Safety
///
/// A vector can be read from `scores`, and every two vectors from there on.
#[inline(always)]
unsafe fn largest<V: Vector>(scores: *const f32, rows: usize, before: V) -> V {
    let mut largest = [before; 4];
    let (pair, whole) = (2 * V::LANES, rows / 4 * 4);
    // SAFETY: the caller's promise.
    unsafe {
        for row in (0..whole).step_by(4) {
            for i in 0..4 {
                largest[i] = V::load(scores.add((row + i) * pair)).max(largest[i]);
            }
        }
        for row in whole..rows {
            largest[0] = V::load(scores.add(row * pair)).max(largest[0]);
        }
    }
    largest[0].max(largest[1]).max(largest[2].max(largest[3]))
}

/// Scales `count` columns of `out`, `[width, queries]`, by a factor each and stores them as rows of `width` values, `row`
/// apart.
///
/// # Safety
///
/// Those rows can be written to `to`.
#[inline(always)]
pub(super) unsafe fn store<V: Vector>(
    out: &mut [f32],
    factors: &[f32],
    count: usize,
    width: usize,
    to: *mut f32,
    row: usize,
) {
    let (lanes, pair) = (V::LANES, 2 * V::LANES);
    assert!(out.len() >= width * pair && factors.len() >= pair);
    for half in [0, lanes] {
        let here = count.saturating_sub(half).min(lanes);
        let whole = if here == lanes { width / lanes * lanes } else { 0 };
        // SAFETY: rows of two vectors, and the caller's promise.
        unsafe {
            let factor = V::load(factors.as_ptr().add(half));
            for d in 0..width {
                let at = out.as_mut_ptr().add(d * pair + half);
                V::load(at).mul(factor).store(at);
            }
            for d in (0..whole).step_by(lanes) {
                V::transpose(out.as_ptr().add(d * pair + half), pair, to.add(half * row + d), row);
            }
            for i in 0..here {
                for d in whole..width {
                    *to.add((half + i) * row + d) = out[d * pair + half + i];
                }
            }
        }
    }
}
