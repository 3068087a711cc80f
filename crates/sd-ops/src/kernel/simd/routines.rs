//! Operations on vectors and slices that several kernels share.

#![expect(unsafe_code, reason = "vector loads and stores within slices whose lengths are asserted")]

use super::vector::Vector;

/// Returns `1 / (1 + e^-u)`.
#[inline(always)]
pub(in crate::kernel) fn sigmoid<V: Vector>(u: V) -> V {
    let one = V::splat(1.0);
    one.div(one.add(V::splat(0.0).sub(u).exp()))
}

/// Returns the sum of all values, or with `SQUARES` that of `(x - mean)²`.
#[inline(always)]
pub(in crate::kernel) fn sum<V: Vector, const SQUARES: bool>(x: &[f32], mean: f32) -> f32 {
    let mut sums = [V::splat(0.0); 4];
    let blocks = x.chunks_exact(4 * V::LANES);
    let rest: f32 = blocks.remainder().iter().map(|x| if SQUARES { (x - mean) * (x - mean) } else { *x }).sum();
    for block in blocks {
        for i in 0..4 {
            // SAFETY: the block has four vectors.
            let x = unsafe { V::load(block.as_ptr().add(i * V::LANES)) };
            let distance = x.sub(V::splat(mean));
            sums[i] = if SQUARES { distance.mul_add(distance, sums[i]) } else { sums[i].add(x) };
        }
    }
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum() + rest
}

/// Loads at most `LANES` values, padded with zeros.
#[inline(always)]
pub(in crate::kernel) fn load_part<V: Vector>(from: &[f32]) -> V {
    let mut lanes = [0.0; 16];
    assert!(from.len() <= V::LANES && V::LANES <= lanes.len());
    for (to, from) in lanes.iter_mut().zip(from) {
        *to = *from;
    }
    // SAFETY: a vector has at most sixteen lanes.
    unsafe { V::load(lanes.as_ptr()) }
}

/// Stores the first `count` lanes.
///
/// # Safety
///
/// `count` values can be written to `to`.
#[inline(always)]
pub(in crate::kernel) unsafe fn store_part<V: Vector>(vector: V, to: *mut f32, count: usize) {
    let mut lanes = [0.0; 16];
    assert!(count <= V::LANES && V::LANES <= lanes.len());
    // SAFETY: a vector has at most sixteen lanes, and the caller promises the rest.
    unsafe {
        vector.store(lanes.as_mut_ptr());
        for i in 0..count {
            *to.add(i) = lanes[i];
        }
    }
}

/// Rounds an even number of values to pairs.
#[inline(always)]
pub(in crate::kernel) fn narrow<V: Vector>(from: &[f32], to: &mut [f32]) {
    assert!(from.len() == 2 * to.len(), "{} values as {} pairs", from.len(), to.len());
    let whole = to.len() / V::LANES;
    for i in 0..whole {
        // SAFETY: reads two vectors of values, and writes one of pairs.
        unsafe {
            let from = from.as_ptr().add(2 * V::LANES * i);
            V::load(from).narrow(V::load(from.add(V::LANES))).store(to.as_mut_ptr().add(V::LANES * i));
        }
    }
    let rest = &from[2 * V::LANES * whole..];
    if !rest.is_empty() {
        let (first, second) = rest.split_at(rest.len().min(V::LANES));
        let pairs = load_part::<V>(first).narrow(load_part::<V>(second));
        // SAFETY: as many pairs as are left.
        unsafe { store_part(pairs, to.as_mut_ptr().add(V::LANES * whole), rest.len() / 2) };
    }
}

/// Rounds rows of `width` values to pairs: rows 0 and 1 become row 0, rows 2 and 3 become row 1, and so on.
#[inline(always)]
pub(in crate::kernel) fn pair_rows<V: Vector>(values: &mut [f32], width: usize, rows: usize) {
    assert!(rows.is_multiple_of(2) && width.is_multiple_of(V::LANES) && values.len() >= rows * width);
    for row in 0..rows / 2 {
        for at in (0..width).step_by(V::LANES) {
            // SAFETY: reads two of the rows, and writes one that was read already.
            unsafe {
                let from = values.as_ptr().add(2 * row * width + at);
                let pairs = V::load(from).pair(V::load(from.add(width)));
                pairs.store(values.as_mut_ptr().add(row * width + at));
            }
        }
    }
}

/// Sets `to[j·apart + i] = from[i·step[0] + j·step[1]]` for every row `i` and column `j`.
#[inline(always)]
pub(in crate::kernel) fn transpose<V: Vector>(
    from: &[f32],
    step: [usize; 2],
    [rows, columns]: [usize; 2],
    to: &mut [f32],
    apart: usize,
) {
    let lanes = V::LANES;
    assert!(rows > 0 && columns > 0 && rows <= apart && to.len() >= (columns - 1) * apart + rows);
    assert!(from.len() > (rows - 1) * step[0] + (columns - 1) * step[1]);
    // Whole blocks, if a row is contiguous.
    let [whole_rows, whole_columns] =
        if step[1] == 1 { [rows, columns].map(|count| count / lanes * lanes) } else { [0, 0] };
    for i in (0..whole_rows).step_by(lanes) {
        for j in (0..whole_columns).step_by(lanes) {
            // SAFETY: whole blocks of these rows and columns, whose last values were asserted above.
            unsafe {
                let from = from.as_ptr().add(i * step[0] + j);
                V::transpose(from, step[0], to.as_mut_ptr().add(j * apart + i), apart);
            }
        }
    }
    for j in 0..columns {
        let done = if j < whole_columns { whole_rows } else { 0 };
        for i in done..rows {
            to[j * apart + i] = from[i * step[0] + j * step[1]];
        }
    }
}
