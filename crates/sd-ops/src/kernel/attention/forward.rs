#![expect(unsafe_code, reason = "loads and stores in memory that was made for them")]

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::{Heads, Tokens, View, pieces};
use crate::kernel::lanes::Shared;
use crate::kernel::product::{Product, ROWS};
use crate::kernel::vector::{Job, Level, Vector};

/// Queries of a piece of work at most: it has to read all keys once.
const QUERIES: usize = 480;
/// Bytes of a block of keys and its values, which are to stay in the first cache.
const BLOCK: usize = 24 << 10;
/// Multiply-adds that are worth handing over.
const WORK: usize = 1 << 16;

thread_local! {
    static MEMORY: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// The values' mean for each query, `[batch, queries, heads, width]`, and the logarithm of the sum of its scores'
/// exponentials, `[batch, heads, queries]`.
pub(crate) fn forward(level: Level, heads: &Heads, q: View, k: View, v: View) -> (Vec<f32>, Vec<f32>) {
    assert!(q.has(heads, heads.queries) && k.has(heads, heads.keys) && v.has(heads, heads.keys), "{heads:?}");
    let count = heads.batch * heads.heads * heads.queries;
    let mut out = Vec::with_capacity(count * heads.width);
    let mut logs = vec![0.0; count];
    let (out_to, logs_to) = (Shared(out.as_mut_ptr()), Shared(logs.as_mut_ptr()));
    let threads = rayon::current_num_threads();
    let (units, queries) = split(heads, threads);
    let blocks = heads.queries.div_ceil(queries);
    let work = |unit: usize| {
        let (head, first) = (unit / blocks, unit % blocks * queries);
        let (n, h) = (head / heads.heads, head % heads.heads);
        let queries = first..(first + queries).min(heads.queries);
        let row = heads.heads * heads.width;
        // SAFETY: each unit writes the rows and logarithms of its own queries of its own head.
        let (out, logs) = unsafe {
            let start = (n * heads.queries + first) * row + h * heads.width;
            let logs = logs_to.part(head * heads.queries + first);
            (out_to.part(start), std::slice::from_raw_parts_mut(logs, queries.len()))
        };
        let [q, k, v] = [q, k, v].map(|view| view.head(n, h));
        MEMORY.with_borrow_mut(|memory| level.run(Forward { heads, queries, q, k, v, out, row, logs, memory }));
    };
    if threads == 1 || units <= 1 {
        (0..units).for_each(work);
    } else {
        let at_least = (WORK / (heads.products() / blocks).max(1)).max(1);
        (0..units).into_par_iter().with_min_len(at_least).for_each(work);
    }
    // SAFETY: the units have written the rows of all queries of all heads.
    unsafe { out.set_len(count * heads.width) };
    (out, logs)
}

/// Pieces of work, and the queries of one.
fn split(heads: &Heads, threads: usize) -> (usize, usize) {
    let all = heads.batch * heads.heads;
    let parts = (4 * threads).div_ceil(all.max(1));
    let queries = heads.queries.div_ceil(parts).next_multiple_of(ROWS).clamp(8 * ROWS, QUERIES);
    (all * heads.queries.div_ceil(queries), queries)
}

struct Forward<'a> {
    heads: &'a Heads,
    queries: Range<usize>,
    q: Tokens<'a>,
    k: Tokens<'a>,
    v: Tokens<'a>,
    out: *mut f32,
    /// From a query's numbers in `out` to the next one's.
    row: usize,
    logs: &'a mut [f32],
    memory: &'a mut Vec<f32>,
}

impl Job for Forward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { heads, queries, .. } = self;
        let (width, pair) = (heads.width, 2 * V::LANES);
        let wide = width.next_multiple_of(V::LANES);
        let rows = queries.len().next_multiple_of(ROWS);
        let block = (BLOCK / (8 * wide)).clamp(32, 256).min(heads.keys).next_multiple_of(pair);
        let lengths = [rows * wide, rows * wide, block * width, block * wide, ROWS * block, rows, rows];
        let [q, out, panels, values, scores, most, sums] = pieces(self.memory, lengths);
        self.q.rows(queries.start, queries.len(), heads.scale(), q, wide);
        most.fill(f32::NEG_INFINITY);
        let end = heads.keys.min(heads.visible(queries.end - 1, 0));
        for first in (0..end).step_by(block) {
            let here = block.min(end - first);
            self.k.columns::<V>(first, here, panels);
            self.v.rows(first, here, 1.0, values, wide);
            for tile in (0..rows).step_by(ROWS) {
                if heads.visible(queries.start + tile + ROWS - 1, first) == 0 {
                    continue;
                }
                let columns = here.next_multiple_of(pair);
                // SAFETY: a tile of the queries, whole panels of the keys, and the scores of both.
                unsafe {
                    for column in (0..columns).step_by(pair) {
                        let a = q.as_ptr().add(tile * wide);
                        let b = panels.as_ptr().add(column * width);
                        let out = scores.as_mut_ptr().add(column);
                        let (terms, out_row) = (width, block);
                        Product { a, row: wide, step: 1, b, b_row: pair, terms, out, out_row, add: false }
                            .run::<V>(ROWS, pair);
                    }
                }
                for m in 0..ROWS {
                    let i = tile + m;
                    let scores = &mut scores[m * block..][..columns];
                    scores[heads.visible(queries.start + i, first).min(here)..].fill(f32::NEG_INFINITY);
                    let out = &mut out[i * wide..][..wide];
                    let sums = (&mut most[i], &mut sums[i]);
                    exponentials::<V>(scores, sums, out);
                }
                // SAFETY: the tile's scores of the block's values, and the tile's sums.
                unsafe {
                    let (a, b, out) = (scores.as_ptr(), values.as_ptr(), out.as_mut_ptr().add(tile * wide));
                    Product { a, row: block, step: 1, b, b_row: wide, terms: here, out, out_row: wide, add: true }
                        .run::<V>(ROWS, wide);
                }
            }
        }
        for i in 0..queries.len() {
            let factor = 1.0 / sums[i];
            for d in 0..width {
                // SAFETY: the rows of this head's queries.
                unsafe { *self.out.add(i * self.row + d) = out[i * wide + d] * factor };
            }
            self.logs[i] = most[i] + sums[i].ln();
        }
    }
}

/// Scores to their exponentials, by the largest score so far; what was summed by a smaller one is made to fit.
///
/// What a query does not see has a score of minus infinity, and counts e⁻⁸⁷ of the largest: nothing in single precision.
#[inline(always)]
fn exponentials<V: Vector>(scores: &mut [f32], (most, sum): (&mut f32, &mut f32), out: &mut [f32]) {
    // SAFETY: scores and sums are whole vectors.
    unsafe {
        let mut largest = V::splat(f32::NEG_INFINITY);
        for j in (0..scores.len()).step_by(V::LANES) {
            largest = V::load(scores.as_ptr().add(j)).max(largest);
        }
        let largest = largest.largest();
        if largest > *most {
            let factor = (*most - largest).exp();
            *most = largest;
            *sum *= factor;
            for d in (0..out.len()).step_by(V::LANES) {
                let at = out.as_mut_ptr().add(d);
                V::load(at).mul(V::splat(factor)).store(at);
            }
        }
        let mut sums = V::splat(0.0);
        for j in (0..scores.len()).step_by(V::LANES) {
            let at = scores.as_mut_ptr().add(j);
            let e = V::load(at).sub(V::splat(*most)).exp();
            e.store(at);
            sums = sums.add(e);
        }
        *sum += sums.sum();
    }
}
