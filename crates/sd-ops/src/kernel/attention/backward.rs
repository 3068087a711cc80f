#![expect(unsafe_code, reason = "loads and stores in buffers of matching sizes")]

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::{Heads, Tokens, View, pieces};
use crate::kernel::microkernel::{Product, tile_rows};
use crate::kernel::shared::Shared;
use crate::kernel::simd::{Isa, Job, Vector};

/// Keys of a block, whose gradients are to stay in the caches. A multiple of six and of eight.
const KEYS: usize = 48;
/// Queries whose probabilities are stored at a time, for the sums over queries.
const QUERIES: usize = 48;
/// The fewest multiply-adds that are worth handing to other threads.
const WORK: usize = 1 << 16;

thread_local! {
    static MEMORY: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// The inputs and outputs of the forward pass, and the gradient of its output.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub q: View<'a>,
    pub k: View<'a>,
    pub v: View<'a>,
    pub out: View<'a>,
    pub logs: &'a [f32],
    pub gradient: View<'a>,
}

/// Returns the gradients of queries, keys and values, `[batch, tokens, heads, width]` each.
///
/// If there are few heads per thread, the keys of a head are split into parts, and the parts' gradients of the queries are
/// added.
pub(crate) fn backward(isa: Isa, heads: &Heads, known: Known) -> [Vec<f32>; 3] {
    let [queries, keys] = [heads.queries, heads.keys];
    assert!([known.q, known.out, known.gradient].iter().all(|view| view.has(heads, queries)), "{heads:?}");
    assert!([known.k, known.v].iter().all(|view| view.has(heads, keys)), "{heads:?}");
    let all = heads.batch * heads.heads;
    assert_eq!(known.logs.len(), all * queries, "{heads:?}");
    let row = heads.heads * heads.width;
    let threads = rayon::current_num_threads();
    let wanted = if all >= 2 * threads || threads == 1 { 1 } else { (2 * threads).div_ceil(all.max(1)) };
    let keys_per_part = keys.div_ceil(wanted).next_multiple_of(KEYS);
    let parts = keys.div_ceil(keys_per_part);
    let count = heads.batch * queries * row;
    let mut dq: Vec<Vec<f32>> = (0..parts).map(|_| vec![0.0; count]).collect();
    let [mut dk, mut dv] = [(); 2].map(|()| vec![0.0; heads.batch * keys * row]);
    let dq_to: Vec<_> = dq.iter_mut().map(|part| Shared(part.as_mut_ptr())).collect();
    let (dk_to, dv_to) = (Shared(dk.as_mut_ptr()), Shared(dv.as_mut_ptr()));
    let work = |unit: usize| {
        let (head, part) = (unit / parts, unit % parts);
        let (n, h) = (head / heads.heads, head % heads.heads);
        let keys = part * keys_per_part..((part + 1) * keys_per_part).min(keys);
        let [q, k, v, out, gradient] =
            [known.q, known.k, known.v, known.out, known.gradient].map(|view| view.head(n, h));
        let logs = &known.logs[head * queries..][..queries];
        // SAFETY: each unit writes rows of its own head: those of its keys, and those of all queries in its part's buffer.
        let to = unsafe {
            let key_offset = (n * heads.keys + keys.start) * row + h * heads.width;
            let query_offset = n * queries * row + h * heads.width;
            [dq_to[part].part(query_offset), dk_to.part(key_offset), dv_to.part(key_offset)]
        };
        MEMORY.with_borrow_mut(|memory| {
            isa.run(Backward { heads, keys, q, k, v, out, logs, gradient, to, row, memory });
        });
    };
    if threads == 1 || all * parts <= 1 {
        (0..all * parts).for_each(work);
    } else {
        let at_least = (WORK / (heads.products() / parts).max(1)).max(1);
        (0..all * parts).into_par_iter().with_min_len(at_least).for_each(work);
    }
    let add = |mut sum: Vec<f32>, part: Vec<f32>| {
        sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        sum
    };
    [dq.into_iter().reduce(add).unwrap_or_default(), dk, dv]
}

struct Backward<'a> {
    heads: &'a Heads,
    keys: Range<usize>,
    q: Tokens<'a>,
    k: Tokens<'a>,
    v: Tokens<'a>,
    out: Tokens<'a>,
    logs: &'a [f32],
    gradient: Tokens<'a>,
    /// Where the gradients of all queries, these keys and these values are stored.
    to: [*mut f32; 3],
    /// Distance between tokens there.
    row: usize,
    memory: &'a mut Vec<f32>,
}

impl Job for Backward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { heads, keys, .. } = self;
        let (width, pair, height) = (heads.width, 2 * V::LANES, tile_rows(V::LANES));
        let wide = width.next_multiple_of(V::LANES);
        let rows = heads.queries.next_multiple_of(height);
        let most = KEYS.min(keys.len());
        let columns = most.next_multiple_of(pair);
        // Tiles of keys read a few values beyond the columns.
        let apart = columns + height;
        let (key_rows_len, scores_len) = (most.next_multiple_of(height) * wide, QUERIES * apart);
        let lengths =
            [[rows * wide; 3].as_slice(), &[columns * width; 2], &[key_rows_len; 3], &[scores_len; 2], &[rows]]
                .concat();
        let lengths: [usize; 11] = lengths.try_into().expect("eleven pieces");
        let [q, gradient, dq, k_panels, v_panels, k, dk, dv, p, ds, deltas] = pieces(self.memory, lengths);
        self.q.rows(0, heads.queries, heads.scale(), q, wide);
        self.gradient.rows(0, heads.queries, 1.0, gradient, wide);
        for (i, delta) in deltas.iter_mut().enumerate().take(heads.queries) {
            let out = &self.out.from[i * self.out.apart..][..width];
            *delta = out.iter().zip(&gradient[i * wide..]).map(|(out, gradient)| out * gradient).sum();
        }
        for first in keys.clone().step_by(KEYS) {
            let here = KEYS.min(keys.end - first);
            let (columns, key_rows) = (here.next_multiple_of(pair), here.next_multiple_of(height));
            self.k.columns::<V>(first, here, k_panels);
            self.v.columns::<V>(first, here, v_panels);
            self.k.rows(first, here, 1.0, k, wide);
            dk.fill(0.0);
            dv.fill(0.0);
            for start in (0..rows).step_by(QUERIES) {
                let count = QUERIES.min(rows - start);
                if heads.visible(start + count - 1, first) == 0 {
                    continue;
                }
                let block_offset = start * wide;
                // SAFETY: rows of queries, whole panels of keys, and as many scores.
                unsafe {
                    for column in (0..columns).step_by(pair) {
                        for (a, b, out) in [(&*q, &*k_panels, &mut *p), (&*gradient, &*v_panels, &mut *ds)] {
                            let (a, b) = (a.as_ptr().add(block_offset), b.as_ptr().add(column * width));
                            let (terms, out, out_row) = (width, out.as_mut_ptr().add(column), apart);
                            Product { a, row: wide, step: 1, b, b_row: pair, terms, out, out_row, add: false }
                                .run::<V, false>(count, pair);
                        }
                    }
                }
                for m in 0..count.min(heads.queries - start) {
                    let i = start + m;
                    let [p, ds] = [&mut *p, &mut *ds].map(|v| &mut v[m * apart..][..columns]);
                    p[heads.visible(i, first).min(here)..].fill(f32::NEG_INFINITY);
                    slopes::<V>(p, ds, self.logs[i], deltas[i]);
                }
                // SAFETY: the scores of these queries and keys; their rows of queries and keys.
                unsafe {
                    let (a, b, out) = (ds.as_ptr(), k.as_ptr(), dq.as_mut_ptr().add(block_offset));
                    Product { a, row: apart, step: 1, b, b_row: wide, terms: here, out, out_row: wide, add: true }
                        .run::<V, false>(count, wide);
                    for (a, b, out) in [(&*ds, &*q, &mut *dk), (&*p, &*gradient, &mut *dv)] {
                        let (a, b, out) = (a.as_ptr(), b.as_ptr().add(block_offset), out.as_mut_ptr());
                        Product { a, row: 1, step: apart, b, b_row: wide, terms: count, out, out_row: wide, add: true }
                            .run::<V, false>(key_rows, wide);
                    }
                }
            }
            let offset = (first - keys.start) * self.row;
            // SAFETY: the rows of these keys.
            unsafe {
                store(dk, wide, 1.0, here, width, self.to[1].add(offset), self.row);
                store(dv, wide, 1.0, here, width, self.to[2].add(offset), self.row);
            }
        }
        // SAFETY: the rows of this head's queries, of this unit's part.
        unsafe { store(dq, wide, heads.scale(), heads.queries, width, self.to[0], self.row) };
    }
}

/// Replaces scores by probabilities `p`, and the probabilities' gradients `ds` by those of the scores, `p·(ds - delta)`.
#[inline(always)]
fn slopes<V: Vector>(p: &mut [f32], ds: &mut [f32], log: f32, delta: f32) {
    assert!(p.len() == ds.len() && p.len().is_multiple_of(V::LANES));
    for j in (0..p.len()).step_by(V::LANES) {
        // SAFETY: both are whole vectors.
        unsafe {
            let (p, ds) = (p.as_mut_ptr().add(j), ds.as_mut_ptr().add(j));
            let e = V::load(p).sub(V::splat(log)).exp();
            e.store(p);
            V::load(ds).sub(V::splat(delta)).mul(e).store(ds);
        }
    }
}

/// Stores the first `width` values of `count` rows, times `factor`, to rows that are `row` apart.
///
/// # Safety
///
/// Those rows can be written to `to`.
#[inline(always)]
unsafe fn store(from: &[f32], wide: usize, factor: f32, count: usize, width: usize, to: *mut f32, row: usize) {
    for (i, from) in from.chunks_exact(wide).take(count).enumerate() {
        for (d, from) in from[..width].iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { *to.add(i * row + d) = factor * from };
        }
    }
}
