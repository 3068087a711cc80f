#![expect(unsafe_code, reason = "loads and stores in memory that was made for them")]

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::{Heads, Tokens, View, pieces};
use crate::kernel::microkernel::{Product, ROWS};
use crate::kernel::shared::Shared;
use crate::kernel::simd::{Isa, Job, Vector};

/// Keys of a block, whose gradients are to stay in the caches; a multiple of six and of eight.
const KEYS: usize = 48;
/// Queries whose probabilities are kept at a time, for the sums over queries.
const QUERIES: usize = 48;
/// Multiply-adds that are worth handing over.
const WORK: usize = 1 << 16;

thread_local! {
    static MEMORY: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// What [`forward`](super::forward::forward) read and gave, and the gradient of what it gave.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub q: View<'a>,
    pub k: View<'a>,
    pub v: View<'a>,
    pub out: View<'a>,
    pub logs: &'a [f32],
    pub gradient: View<'a>,
}

/// The gradients of queries, keys and values, `[batch, tokens, heads, width]` each.
///
/// Where there are fewer heads than threads, a head's keys are split, and the queries' gradients summed afterwards.
pub(crate) fn backward(isa: Isa, heads: &Heads, known: Known) -> [Vec<f32>; 3] {
    let [queries, keys] = [heads.queries, heads.keys];
    assert!([known.q, known.out, known.gradient].iter().all(|view| view.has(heads, queries)), "{heads:?}");
    assert!([known.k, known.v].iter().all(|view| view.has(heads, keys)), "{heads:?}");
    let all = heads.batch * heads.heads;
    assert_eq!(known.logs.len(), all * queries, "{heads:?}");
    let row = heads.heads * heads.width;
    let threads = rayon::current_num_threads();
    let wanted = if all >= 2 * threads || threads == 1 { 1 } else { (2 * threads).div_ceil(all.max(1)) };
    let of_part = keys.div_ceil(wanted).next_multiple_of(KEYS);
    let parts = keys.div_ceil(of_part);
    let count = heads.batch * queries * row;
    let mut of_q: Vec<Vec<f32>> = (0..parts).map(|_| vec![0.0; count]).collect();
    let [mut of_k, mut of_v] = [(); 2].map(|()| vec![0.0; heads.batch * keys * row]);
    let of_q_to: Vec<_> = of_q.iter_mut().map(|part| Shared(part.as_mut_ptr())).collect();
    let (of_k_to, of_v_to) = (Shared(of_k.as_mut_ptr()), Shared(of_v.as_mut_ptr()));
    let work = |unit: usize| {
        let (head, part) = (unit / parts, unit % parts);
        let (n, h) = (head / heads.heads, head % heads.heads);
        let of_part = part * of_part..((part + 1) * of_part).min(keys);
        let [q, k, v, out, gradient] =
            [known.q, known.k, known.v, known.out, known.gradient].map(|view| view.head(n, h));
        let logs = &known.logs[head * queries..][..queries];
        // SAFETY: each unit writes the rows of its own head: those of its keys, and all queries' of its part.
        let to = unsafe {
            let of_key = (n * keys + of_part.start) * row + h * heads.width;
            let of_query = n * queries * row + h * heads.width;
            [of_q_to[part].part(of_query), of_k_to.part(of_key), of_v_to.part(of_key)]
        };
        MEMORY.with_borrow_mut(|memory| {
            isa.run(Backward { heads, keys: of_part, q, k, v, out, logs, gradient, to, row, memory });
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
    [of_q.into_iter().reduce(add).unwrap_or_default(), of_k, of_v]
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
    /// The gradients of all queries, and of these keys and values.
    to: [*mut f32; 3],
    /// From a token's numbers there to the next one's.
    row: usize,
    memory: &'a mut Vec<f32>,
}

impl Job for Backward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { heads, keys, .. } = self;
        let (width, pair) = (heads.width, 2 * V::LANES);
        let wide = width.next_multiple_of(V::LANES);
        let rows = heads.queries.next_multiple_of(ROWS);
        let most = KEYS.min(keys.len());
        let columns = most.next_multiple_of(pair);
        // Tiles of six keys read a little beyond the columns.
        let apart = columns + ROWS;
        let (of_keys, of_probabilities) = (most.next_multiple_of(ROWS) * wide, QUERIES * apart);
        let lengths =
            [[rows * wide; 3].as_slice(), &[columns * width; 2], &[of_keys; 3], &[of_probabilities; 2], &[rows]]
                .concat();
        let lengths: [usize; 11] = lengths.try_into().expect("eleven pieces");
        let [q, gradient, of_q, k_panels, v_panels, k, of_k, of_v, p, ds, deltas] = pieces(self.memory, lengths);
        self.q.rows(0, heads.queries, heads.scale(), q, wide);
        self.gradient.rows(0, heads.queries, 1.0, gradient, wide);
        for (i, delta) in deltas.iter_mut().enumerate().take(heads.queries) {
            let out = &self.out.from[i * self.out.apart..][..width];
            *delta = out.iter().zip(&gradient[i * wide..]).map(|(out, gradient)| out * gradient).sum();
        }
        for first in keys.clone().step_by(KEYS) {
            let here = KEYS.min(keys.end - first);
            let (columns, key_rows) = (here.next_multiple_of(pair), here.next_multiple_of(ROWS));
            self.k.columns::<V>(first, here, k_panels);
            self.v.columns::<V>(first, here, v_panels);
            self.k.rows(first, here, 1.0, k, wide);
            of_k.fill(0.0);
            of_v.fill(0.0);
            for start in (0..rows).step_by(QUERIES) {
                let count = QUERIES.min(rows - start);
                if heads.visible(start + count - 1, first) == 0 {
                    continue;
                }
                let of_block = start * wide;
                // SAFETY: rows of queries and whole panels of keys, and as many scores.
                unsafe {
                    for column in (0..columns).step_by(pair) {
                        for (a, b, out) in [(&*q, &*k_panels, &mut *p), (&*gradient, &*v_panels, &mut *ds)] {
                            let (a, b) = (a.as_ptr().add(of_block), b.as_ptr().add(column * width));
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
                    let (a, b, out) = (ds.as_ptr(), k.as_ptr(), of_q.as_mut_ptr().add(of_block));
                    Product { a, row: apart, step: 1, b, b_row: wide, terms: here, out, out_row: wide, add: true }
                        .run::<V, false>(count, wide);
                    for (a, b, out) in [(&*ds, &*q, &mut *of_k), (&*p, &*gradient, &mut *of_v)] {
                        let (a, b, out) = (a.as_ptr(), b.as_ptr().add(of_block), out.as_mut_ptr());
                        Product { a, row: 1, step: apart, b, b_row: wide, terms: count, out, out_row: wide, add: true }
                            .run::<V, false>(key_rows, wide);
                    }
                }
            }
            let offset = (first - keys.start) * self.row;
            // SAFETY: the rows of these keys.
            unsafe {
                store(of_k, wide, 1.0, here, width, self.to[1].add(offset), self.row);
                store(of_v, wide, 1.0, here, width, self.to[2].add(offset), self.row);
            }
        }
        // SAFETY: the rows of this head's queries, of this unit's part.
        unsafe { store(of_q, wide, heads.scale(), heads.queries, width, self.to[0], self.row) };
    }
}

/// Scores to probabilities `p`, and their gradients to those of the scores, `p·(ds - delta)`.
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

/// # Safety
///
/// `count` rows of `width` numbers, `row` apart, can be written.
#[inline(always)]
unsafe fn store(from: &[f32], wide: usize, factor: f32, count: usize, width: usize, to: *mut f32, row: usize) {
    for (i, from) in from.chunks_exact(wide).take(count).enumerate() {
        for (d, from) in from[..width].iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { *to.add(i * row + d) = factor * from };
        }
    }
}
