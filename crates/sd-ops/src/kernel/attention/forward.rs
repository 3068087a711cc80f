#![expect(unsafe_code, reason = "loads and stores in buffers of matching sizes")]

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::softmax::{exponentials, store};
use super::tiled::Tiled;
use super::{Heads, Tokens, View, pieces};
use crate::kernel::microkernel::{Product, tile_rows};
use crate::kernel::shared::Shared;
use crate::kernel::simd::{Isa, Job, Vector, pair_rows};

/// The most values of a piece's queries, which stay in the L2 cache with as many sums. A piece copies all keys once.
const QUERY_VALUES: usize = 48 << 10;
/// The fewest and the most queries of a piece, if there are so many.
const QUERIES: [usize; 2] = [256, 1024];
/// The fewest with tiles, for which rounding the keys takes a larger share.
const QUERIES_OF_TILES: usize = 512;
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
            let pairs = heads.half && isa.has_pairs() && heads.width.is_multiple_of(2);
            if let Some(tiles) = isa.tiles().filter(|_| pairs) {
                tiles.run(Tiled { heads, queries, q, k, v, out, row, logs, memory });
                return;
            }
            let forward = Forward { heads, queries, q, k, v, out, row, logs, memory };
            if pairs { isa.run(Paired(forward)) } else { isa.run(forward) }
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
    let least = if isa.tiles().is_some() { QUERIES_OF_TILES } else { QUERIES[0] };
    let most = (QUERY_VALUES / heads.width.max(1)).clamp(least, QUERIES[1]) / pair * pair;
    let queries = heads.queries.div_ceil(parts).next_multiple_of(pair).clamp(pair, most);
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
        let (width, pair, height) = (heads.width, 2 * V::LANES, tile_rows(V::LANES));
        let terms = if PAIRS { width / 2 } else { width };
        let tall = width.next_multiple_of(height);
        // Rows of values are whole vectors if two rows become one.
        let wide = if PAIRS { tall.next_multiple_of(V::LANES) } else { tall };
        let panels = queries.len().div_ceil(pair);
        let block = (BLOCK / (8 * tall)).clamp(32, 256).min(heads.keys).next_multiple_of(height);
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
                    .run::<V, PAIRS>(here.next_multiple_of(height), pair);
                }
                if heads.causal {
                    for (j, scores) in scores.chunks_exact_mut(pair).take(here).enumerate() {
                        scores[..(first + j).saturating_sub(start).min(pair)].fill(f32::NEG_INFINITY);
                    }
                }
                let out = &mut out[panel * pair * tall..][..pair * tall];
                exponentials::<V, PAIRS>(&mut scores[..here * pair], &mut most[lanes.clone()], &mut sums[lanes], out);
                let terms = if PAIRS { here.div_ceil(2) } else { here };
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
