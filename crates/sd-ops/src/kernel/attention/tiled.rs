#![expect(unsafe_code, reason = "loads and stores in buffers of matching sizes")]

use std::ops::Range;

use super::softmax::{exponentials, store};
use super::{Heads, Tokens, pieces};
use crate::kernel::simd::{TileJob, Vector, pair_rows, transpose};
use crate::kernel::tiles::{EDGE, LANES, PAIR, Sums, TERMS, Tiles, multiply, narrow_line};

/// Bytes of a block of keys, its values and its scores, which are to stay in the L1 cache.
const BLOCK: usize = 36 << 10;

/// A piece of work for tiles: some queries of a head. Queries are columns; a panel is two tiles of them.
pub(super) struct Tiled<'a> {
    pub heads: &'a Heads,
    pub queries: Range<usize>,
    pub q: Tokens<'a>,
    pub k: Tokens<'a>,
    pub v: Tokens<'a>,
    pub out: *mut f32,
    /// Distance between queries in `out`.
    pub row: usize,
    pub logs: &'a mut [f32],
    pub memory: &'a mut Vec<f32>,
}

impl TileJob for Tiled<'_> {
    #[inline(always)]
    fn run<V: Vector, T: Tiles>(self, tiles: &mut T) {
        let Self { heads, queries, .. } = self;
        let width = heads.width;
        // Tiles along the width of a key, and those down the width of a value.
        let (steps, high) = (width.div_ceil(TERMS), width.div_ceil(EDGE));
        let panels = queries.len().div_ceil(PAIR);
        let key = 4 * (EDGE * steps + EDGE * high / 2 + PAIR);
        let block = (BLOCK / key / PAIR * PAIR).clamp(PAIR, 256).min(heads.keys.next_multiple_of(PAIR));
        let lengths = [
            panels * steps * EDGE * PAIR,
            panels * high * EDGE * PAIR,
            block / EDGE * steps * LANES,
            block / TERMS * high * LANES,
            block * PAIR,
            width * block.max(PAIR),
            panels * PAIR,
            panels * PAIR,
        ];
        let [q, out, keys, values, scores, spare, most, sums] = pieces(self.memory, lengths);
        // Scores are exponents of two, not of e.
        let scale = heads.scale() * std::f32::consts::LOG2_E;
        for (i, panel) in q.chunks_exact_mut(steps * EDGE * PAIR).enumerate() {
            let first = queries.start + i * PAIR;
            let columns = &mut spare[..width * PAIR];
            self.q.columns::<V>(first, PAIR.min(queries.end - first), columns);
            for q in columns.iter_mut() {
                *q *= scale;
            }
            pair_rows::<V>(columns, PAIR, width);
            panel[..width / 2 * PAIR].copy_from_slice(&columns[..width / 2 * PAIR]);
        }
        most.fill(f32::NEG_INFINITY);
        let end = heads.keys.min(heads.visible(queries.end - 1, 0));
        for first in (0..end).step_by(block) {
            let here = block.min(end - first);
            for i in 0..here {
                let line = &self.k.from[(first + i) * self.k.apart..][..width];
                narrow_line::<V>(line, i % EDGE, &mut keys[i / EDGE * steps * LANES..][..steps * LANES]);
            }
            // Values are turned, so that their keys become terms.
            let value_steps = here.div_ceil(TERMS);
            let from = &self.v.from[first * self.v.apart..];
            transpose::<V>(from, [self.v.apart, 1], [here, width], spare, block);
            for d in 0..width {
                let to = &mut values[d / EDGE * value_steps * LANES..][..value_steps * LANES];
                narrow_line::<V>(&spare[d * block..][..here], d % EDGE, to);
            }
            for panel in 0..panels {
                let start = queries.start + panel * PAIR;
                // The number of these keys that the panel's last query sees.
                let here = here.min(heads.visible(start + PAIR - 1, first));
                if here == 0 {
                    continue;
                }
                let q = &q[panel * steps * EDGE * PAIR..][..steps * EDGE * PAIR];
                // SAFETY: tiles of the keys, the panel's queries, and the scores of both.
                unsafe { rows_of_tiles(tiles, [keys, q], here.div_ceil(EDGE), [steps; 2], scores, false) };
                if heads.causal {
                    for (j, scores) in scores.chunks_exact_mut(PAIR).take(here).enumerate() {
                        scores[..(first + j).saturating_sub(start).min(PAIR)].fill(f32::NEG_INFINITY);
                    }
                }
                let lanes = panel * PAIR..(panel + 1) * PAIR;
                let out = &mut out[panel * high * EDGE * PAIR..][..high * EDGE * PAIR];
                exponentials::<V, true>(&mut scores[..here * PAIR], &mut most[lanes.clone()], &mut sums[lanes], out);
                // Whole tiles are filled with keys of weight zero.
                let padded = here.next_multiple_of(TERMS);
                scores[here.div_ceil(2) * PAIR..padded / 2 * PAIR].fill(0.0);
                // SAFETY: tiles of the values, the weights, and the panel's sums.
                unsafe { rows_of_tiles(tiles, [values, scores], high, [padded / TERMS, value_steps], out, true) };
            }
        }
        for (i, log) in self.logs.iter_mut().enumerate() {
            *log = most[i] * std::f32::consts::LN_2 + sums[i].ln();
        }
        for sum in sums.iter_mut() {
            *sum = 1.0 / *sum;
        }
        for (panel, out) in out.chunks_exact_mut(high * EDGE * PAIR).enumerate() {
            let count = PAIR.min(queries.len() - panel * PAIR);
            // SAFETY: the rows of this panel's queries.
            unsafe {
                let to = self.out.add(panel * PAIR * self.row);
                store::<V>(out, &sums[panel * PAIR..], count, width, to, self.row);
            }
        }
    }
}

/// Multiplies `rows` rows of tiles with a panel, and writes or adds the result to `out`, `[rows of tiles, 16, 32]`.
///
/// The products have `steps` tiles; rows of tiles are `apart` tiles apart.
///
/// # Safety
///
/// Those tiles are within `a`, and `b` has sixteen rows of 32 lanes for each step.
#[inline(always)]
unsafe fn rows_of_tiles<T: Tiles>(
    tiles: &mut T,
    [a, b]: [&[f32]; 2],
    rows: usize,
    [steps, apart]: [usize; 2],
    out: &mut [f32],
    add: bool,
) {
    assert!(out.len() >= rows * EDGE * PAIR);
    let apart = apart * LANES;
    for row in (0..rows).step_by(2) {
        // SAFETY: the caller's promise.
        unsafe {
            let (a, to) = (a.as_ptr().add(row * apart), out.as_mut_ptr().add(row * EDGE * PAIR));
            let sums = if add { Sums::At(to, PAIR) } else { Sums::Zero };
            if row + 1 < rows {
                multiply::<T, true>(tiles, [a, b.as_ptr()], apart, steps, sums, (to, PAIR));
            } else {
                multiply::<T, false>(tiles, [a, b.as_ptr()], apart, steps, sums, (to, PAIR));
            }
        }
    }
}
