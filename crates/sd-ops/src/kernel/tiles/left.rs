//! The rows of a left matrix in tiles: `[16 rows, 16 pairs]` each, one for every 32 terms.

use half::bf16;

use super::{EDGE, LANES, TERMS};
use crate::kernel::simd::{Vector, narrow};

/// Rounds a line to row `row` of these tiles, and pads it with zeros.
#[inline(always)]
pub(in crate::kernel) fn narrow_line<V: Vector>(line: &[f32], row: usize, tiles: &mut [f32]) {
    let (whole, rest) = line.as_chunks::<TERMS>();
    assert!(tiles.len() == line.len().div_ceil(TERMS) * LANES && row < EDGE);
    let mut rows = tiles.chunks_exact_mut(LANES).map(|tile| &mut tile[row * EDGE..][..EDGE]);
    for (from, to) in whole.iter().zip(&mut rows) {
        narrow::<V>(from, to);
    }
    if let Some(to) = rows.next() {
        let mut padded = [0.0; TERMS];
        padded[..rest.len()].copy_from_slice(rest);
        narrow::<V>(&padded, to);
    }
}

/// As [`narrow_line`], for a line in bf16.
#[inline(always)]
pub(in crate::kernel) fn copy_line(line: &[bf16], row: usize, tiles: &mut [f32]) {
    assert!(tiles.len() == line.len().div_ceil(TERMS) * LANES && row < EDGE);
    let tiles: &mut [bf16] = bytemuck::cast_slice_mut(tiles);
    let rows = tiles.chunks_exact_mut(2 * LANES).map(|tile| &mut tile[row * TERMS..][..TERMS]);
    for (from, to) in line.chunks(TERMS).zip(rows) {
        if let (Ok(from), Ok(to)) = (<&[bf16; TERMS]>::try_from(from), <&mut [bf16; TERMS]>::try_from(&mut *to)) {
            *to = *from;
            continue;
        }
        let (to, zeros) = to.split_at_mut(from.len());
        to.copy_from_slice(from);
        zeros.fill(bf16::ZERO);
    }
}
