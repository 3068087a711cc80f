#![expect(unsafe_code, reason = "loads and stores in buffers of matching sizes")]

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::{Heads, Tokens, View, pieces};
use crate::kernel::microkernel::{Product, ROWS};
use crate::kernel::shared::Shared;
use crate::kernel::simd::{Isa, Job, Vector, pair_rows};

/// The largest number of queries of a piece of work, which reads all keys once.
const QUERIES: usize = 256;
/// Bytes of a block of keys and its values, which are to stay in the L1 cache.
const BLOCK: usize = 12 << 10;
/// The fewest multiply-adds that are worth handing to other threads.
const WORK: usize = 1 << 16;

thread_local! {
    static MEMORY: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Returns the mean of the values for each query, `[batch, queries, heads, width]`, and the logarithm of the sum of its
/// scores' exponentials, `[batch, heads, queries]`.
pub(crate) fn forward(isa: Isa, heads: &Heads, q: View, k: View, v: View) -> (Vec<f32>, Vec<f32>) {
    assert!(q.has(heads, heads.queries) && k.has(heads, heads.keys) && v.has(heads, heads.keys), "{heads:?}");
    let count = heads.batch * heads.heads * heads.queries;
    let mut out = Vec::with_capacity(count * heads.width);
    let mut logs = vec![0.0; count];
    let (out_to, logs_to) = (Shared(out.as_mut_ptr()), Shared(logs.as_mut_ptr()));
    let threads = rayon::current_num_threads();
    let (units, queries) = split(isa, heads, threads);
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
        MEMORY.with_borrow_mut(|memory| {
            let forward = Forward { heads, queries, q, k, v, out, row, logs, memory };
            if heads.half && isa.has_pairs() && heads.width.is_multiple_of(2) {
                isa.run(Paired(forward));
            } else {
                isa.run(forward);
            }
        });
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

/// Returns the number of pieces of work, and the number of queries in each.
fn split(isa: Isa, heads: &Heads, threads: usize) -> (usize, usize) {
    let all = heads.batch * heads.heads;
    let (parts, pair) = ((4 * threads).div_ceil(all.max(1)), 2 * isa.lanes());
    let queries = heads.queries.div_ceil(parts).next_multiple_of(pair).clamp(pair, QUERIES);
    (all * heads.queries.div_ceil(queries), queries)
}

/// A piece of work: some queries of a head. Queries are lanes; a panel is two vectors of them.
struct Forward<'a> {
    heads: &'a Heads,
    queries: Range<usize>,
    q: Tokens<'a>,
    k: Tokens<'a>,
    v: Tokens<'a>,
    out: *mut f32,
    /// Distance between queries in `out`.
    row: usize,
    logs: &'a mut [f32],
    memory: &'a mut Vec<f32>,
}

impl Job for Forward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        self.run_by::<V, false>();
    }
}

/// A [`Forward`] whose products are of pairs, along the width and along the keys.
struct Paired<'a>(Forward<'a>);

impl Job for Paired<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        self.0.run_by::<V, true>();
    }
}

impl Forward<'_> {
    #[inline(always)]
    fn run_by<V: Vector, const PAIRS: bool>(self) {
        let Self { heads, queries, .. } = self;
        let (width, pair) = (heads.width, 2 * V::LANES);
        let terms = if PAIRS { width / 2 } else { width };
        let tall = width.next_multiple_of(ROWS);
        // Rows of values are whole vectors if two rows become one.
        let wide = if PAIRS { tall.next_multiple_of(V::LANES) } else { tall };
        let panels = queries.len().div_ceil(pair);
        let block = (BLOCK / (8 * tall)).clamp(32, 256).min(heads.keys).next_multiple_of(ROWS);
        let lengths = [
            panels * pair * width,
            panels * pair * tall,
            block * terms,
            block * wide,
            block * pair,
            panels * pair,
            panels * pair,
        ];
        let [q, out, keys, values, scores, most, sums] = pieces(self.memory, lengths);
        self.q.columns::<V>(queries.start, queries.len(), q);
        // Scores are exponents of two, not of e.
        let scale = heads.scale() * std::f32::consts::LOG2_E;
        for q in q.iter_mut() {
            *q *= scale;
        }
        if PAIRS {
            for panel in q.chunks_exact_mut(pair * width) {
                pair_rows::<V>(panel, pair, width);
            }
        }
        most.fill(f32::NEG_INFINITY);
        let end = heads.keys.min(heads.visible(queries.end - 1, 0));
        for first in (0..end).step_by(block) {
            let here = block.min(end - first);
            self.v.rows(first, here, 1.0, values, wide);
            if PAIRS {
                self.k.narrow_rows::<V>(first, here, keys, terms);
                values[here * wide..here.next_multiple_of(2) * wide].fill(0.0);
                pair_rows::<V>(values, wide, here.next_multiple_of(2));
            } else {
                self.k.rows(first, here, 1.0, keys, width);
            }
            for panel in 0..panels {
                let start = queries.start + panel * pair;
                // The number of these keys that the panel's last query sees.
                let here = here.min(heads.visible(start + pair - 1, first));
                if here == 0 {
                    continue;
                }
                let lanes = panel * pair..(panel + 1) * pair;
                // SAFETY: rows of keys, the panel's queries, and the scores of both.
                unsafe {
                    let b = q.as_ptr().add(panel * pair * width);
                    let out = scores.as_mut_ptr();
                    Product {
                        a: keys.as_ptr(),
                        row: terms,
                        step: 1,
                        b,
                        b_row: pair,
                        terms,
                        out,
                        out_row: pair,
                        add: false,
                    }
                    .run::<V, PAIRS>(here.next_multiple_of(ROWS), pair);
                }
                if heads.causal {
                    for (j, scores) in scores.chunks_exact_mut(pair).take(here).enumerate() {
                        scores[..(first + j).saturating_sub(start).min(pair)].fill(f32::NEG_INFINITY);
                    }
                }
                let out = &mut out[panel * pair * tall..][..pair * tall];
                exponentials::<V>(&mut scores[..here * pair], &mut most[lanes.clone()], &mut sums[lanes], out);
                let mut terms = here;
                if PAIRS {
                    // An odd number of keys is padded with a key of weight zero.
                    scores[here * pair..here.next_multiple_of(2) * pair].fill(0.0);
                    pair_rows::<V>(scores, pair, here.next_multiple_of(2));
                    terms = here.div_ceil(2);
                }
                // SAFETY: the rows of values, the scores, and the panel's sums.
                unsafe {
                    let (a, b, out) = (values.as_ptr(), scores.as_ptr(), out.as_mut_ptr());
                    Product { a, row: 1, step: wide, b, b_row: pair, terms, out, out_row: pair, add: true }
                        .run::<V, PAIRS>(tall, pair);
                }
            }
        }
        for (i, log) in self.logs.iter_mut().enumerate() {
            *log = most[i] * std::f32::consts::LN_2 + sums[i].ln();
        }
        for sum in sums.iter_mut() {
            *sum = 1.0 / *sum;
        }
        for panel in 0..panels {
            let count = pair.min(queries.len() - panel * pair);
            // SAFETY: the rows of this panel's queries.
            unsafe {
                let (out, factors) = (&mut out[panel * pair * tall..], &sums[panel * pair..]);
                let to = self.out.add(panel * pair * self.row);
                store::<V>(out, factors, count, width, to, self.row);
            }
        }
    }
}

/// Replaces the scores, `[keys, queries]`, by powers of two relative to each query's largest score so far. If that has
/// grown, the earlier sums are scaled down.
///
/// A key that a query does not see has a score of minus infinity. Its weight is 2⁻¹²⁶ of the largest: nothing in single
/// precision.
#[inline(always)]
fn exponentials<V: Vector>(scores: &mut [f32], most: &mut [f32], sums: &mut [f32], out: &mut [f32]) {
    let pair = 2 * V::LANES;
    assert!(most.len() == pair && sums.len() == pair);
    assert!(scores.len().is_multiple_of(pair) && out.len().is_multiple_of(pair));
    for half in [0, V::LANES] {
        // SAFETY: one of the two vectors of each row.
        unsafe {
            let (most, sums) = (most.as_mut_ptr().add(half), sums.as_mut_ptr().add(half));
            let before = V::load(most);
            let mut largest = before;
            for at in (half..scores.len()).step_by(pair) {
                largest = V::load(scores.as_ptr().add(at)).max(largest);
            }
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
            for at in (half..scores.len()).step_by(pair) {
                let at = scores.as_mut_ptr().add(at);
                let e = V::load(at).sub(largest).exp2();
                e.store(at);
                sum = sum.add(e);
            }
            sum.store(sums);
        }
    }
}

/// Scales `count` columns of `out`, `[width, queries]`, by a factor each and stores them as rows of `width` values, `row`
/// apart.
///
/// # Safety
///
/// Those rows can be written to `to`.
#[inline(always)]
unsafe fn store<V: Vector>(out: &mut [f32], factors: &[f32], count: usize, width: usize, to: *mut f32, row: usize) {
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
