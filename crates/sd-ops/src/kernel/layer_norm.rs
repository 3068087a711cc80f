//! Layer norm in one pass over memory, and its gradients in one: a row stays in the L1 cache.

#![expect(unsafe_code, reason = "vector loads and stores within slices whose lengths are asserted")]

use rayon::prelude::*;

use super::shared::Shared;
use super::simd::{Isa, Job, Vector, load_part, store_part, sum};

/// Values of a piece of work: handing one to a thread takes as long as about a thousand values.
const PIECE: usize = 16_384;
/// The largest number of pieces. Each has its own sums of the parameters' gradients.
const PIECES: usize = 64;

/// The input's sizes: rows of `width` values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rows {
    pub rows: usize,
    pub width: usize,
    pub eps: f32,
}

impl Rows {
    /// Runs `work` with the index, the first row and the number of rows of each piece.
    fn each_piece(&self, work: impl Fn(usize, usize, usize) + Sync + Send) {
        let most = self.rows_per_piece();
        let pieces = 0..self.rows.div_ceil(most);
        let work = |i: usize| work(i, i * most, most.min(self.rows - i * most));
        if rayon::current_num_threads() == 1 || pieces.len() <= 1 {
            pieces.for_each(work);
        } else {
            pieces.into_par_iter().for_each(work);
        }
    }

    fn rows_per_piece(&self) -> usize {
        (PIECE / self.width.max(1)).max(self.rows.div_ceil(PIECES)).max(1)
    }
}

/// Returns the normalised rows, and the mean and the reciprocal standard deviation of each.
pub(crate) fn forward(isa: Isa, rows: &Rows, x: &[f32], gamma: &[f32], beta: &[f32]) -> (Vec<f32>, Vec<[f32; 2]>) {
    let width = rows.width;
    assert!(x.len() == rows.rows * width && gamma.len() == width && beta.len() == width, "{rows:?}");
    let mut out = Vec::with_capacity(x.len());
    let mut statistics = vec![[0.0; 2]; rows.rows];
    let (to, statistics_to) = (Shared(out.as_mut_ptr()), Shared(statistics.as_mut_ptr()));
    rows.each_piece(|_, first, count| {
        let x = &x[first * width..][..count * width];
        // SAFETY: each piece writes its own part of both.
        let (out, statistics) =
            unsafe { (to.part(first * width), std::slice::from_raw_parts_mut(statistics_to.part(first), count)) };
        isa.run(Forward { rows, x, gamma, beta, out, statistics });
    });
    // SAFETY: all pieces have written all of their rows.
    unsafe { out.set_len(x.len()) };
    (out, statistics)
}

/// Returns the gradients of `x`, `gamma` and `beta`.
pub(crate) fn backward(
    isa: Isa,
    rows: &Rows,
    x: &[f32],
    gamma: &[f32],
    statistics: &[[f32; 2]],
    gradient: &[f32],
) -> [Vec<f32>; 3] {
    let width = rows.width;
    assert!(x.len() == rows.rows * width && gradient.len() == x.len(), "{rows:?}");
    assert!(statistics.len() == rows.rows && gamma.len() == width, "{rows:?}");
    let mut out = Vec::with_capacity(x.len());
    let mut sums = vec![0.0; rows.rows.div_ceil(rows.rows_per_piece()) * 2 * width];
    let (to, sums_to) = (Shared(out.as_mut_ptr()), Shared(sums.as_mut_ptr()));
    rows.each_piece(|i, first, count| {
        let [x, gradient] = [x, gradient].map(|v| &v[first * width..][..count * width]);
        let statistics = &statistics[first..][..count];
        // SAFETY: each piece writes its own part of both.
        let (out, sums) =
            unsafe { (to.part(first * width), std::slice::from_raw_parts_mut(sums_to.part(i * 2 * width), 2 * width)) };
        isa.run(Backward { x, gradient, gamma, statistics, out, sums: sums.split_at_mut(width) });
    });
    // SAFETY: all pieces have written all of their rows.
    unsafe { out.set_len(x.len()) };
    let sum = |which: usize| {
        let mut sum = vec![0.0; width];
        for part in sums.chunks_exact(width.max(1)).skip(which).step_by(2) {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        sum
    };
    [out, sum(0), sum(1)]
}

struct Forward<'a> {
    rows: &'a Rows,
    x: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    out: *mut f32,
    statistics: &'a mut [[f32; 2]],
}

impl Job for Forward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let width = self.rows.width;
        let whole = width / V::LANES * V::LANES;
        for (i, (x, statistics)) in self.x.chunks_exact(width.max(1)).zip(self.statistics).enumerate() {
            let mean = sum::<V, false>(x, 0.0) / width as f32;
            // Centred first: the mean of squares minus the square of the mean would cancel.
            let variance = sum::<V, true>(x, mean) / width as f32;
            let scale = 1.0 / (variance + self.rows.eps).sqrt();
            *statistics = [mean, scale];
            let (mean, scale) = (V::splat(mean), V::splat(scale));
            let [gamma, beta] = [self.gamma, self.beta];
            // SAFETY: `out` has as many rows as `x`, and all vectors are within a row, which is as long as the parameters.
            unsafe {
                let out = self.out.add(i * width);
                for c in (0..whole).step_by(V::LANES) {
                    let unit = V::load(x.as_ptr().add(c)).sub(mean).mul(scale);
                    unit.mul_add(V::load(gamma.as_ptr().add(c)), V::load(beta.as_ptr().add(c))).store(out.add(c));
                }
                if whole < width {
                    let unit = load_part::<V>(&x[whole..]).sub(mean).mul(scale);
                    let normalised = unit.mul_add(load_part(&gamma[whole..]), load_part(&beta[whole..]));
                    store_part(normalised, out.add(whole), width - whole);
                }
            }
        }
    }
}

struct Backward<'a> {
    x: &'a [f32],
    gradient: &'a [f32],
    gamma: &'a [f32],
    statistics: &'a [[f32; 2]],
    out: *mut f32,
    /// The gradients of gamma and beta.
    sums: (&'a mut [f32], &'a mut [f32]),
}

impl Job for Backward<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let width = self.gamma.len();
        let whole = width / V::LANES * V::LANES;
        let (gamma_gradient, beta_gradient) = self.sums;
        let rows = self.x.chunks_exact(width.max(1)).zip(self.gradient.chunks_exact(width.max(1)));
        for (i, ((x, gradient), &[mean, scale])) in rows.zip(self.statistics).enumerate() {
            let mut row = Row {
                mean: V::splat(mean),
                scale: V::splat(scale),
                sums: [V::splat(0.0); 2],
                slopes: [V::splat(0.0); 2],
            };
            // SAFETY: all vectors are within a row, which is as long as the parameters and their sums.
            unsafe {
                for c in (0..whole).step_by(V::LANES) {
                    let [x, gradient, gamma] = [x, gradient, self.gamma].map(|v| v.as_ptr().add(c));
                    let found = row.sum(V::load(x), V::load(gradient), V::load(gamma));
                    for (sums, found) in [&mut *gamma_gradient, &mut *beta_gradient].into_iter().zip(found) {
                        let sums = sums.as_mut_ptr().add(c);
                        V::load(sums).add(found).store(sums);
                    }
                }
                if whole < width {
                    let [x, gradient, gamma] = [x, gradient, self.gamma].map(|v| &v[whole..]);
                    // Beyond the row the gradient is zero and adds nothing to the sums.
                    let found = row.sum(load_part(x), load_part(gradient), load_part(gamma));
                    for (sums, found) in [&mut *gamma_gradient, &mut *beta_gradient].into_iter().zip(found) {
                        let sums = &mut sums[whole..];
                        store_part(load_part::<V>(sums).add(found), sums.as_mut_ptr(), width - whole);
                    }
                }
            }
            row.slopes = [row.sums[0].sum(), row.sums[1].sum()].map(|sum| V::splat(sum / width as f32));
            // SAFETY: as above, and `out` has as many rows as `x`.
            unsafe {
                let out = self.out.add(i * width);
                for c in (0..whole).step_by(V::LANES) {
                    let [x, gradient, gamma] = [x, gradient, self.gamma].map(|v| v.as_ptr().add(c));
                    row.x_gradient(V::load(x), V::load(gradient), V::load(gamma)).store(out.add(c));
                }
                if whole < width {
                    let [x, gradient, gamma] = [x, gradient, self.gamma].map(|v| &v[whole..]);
                    let x_gradient = row.x_gradient(load_part(x), load_part(gradient), load_part(gamma));
                    store_part(x_gradient, out.add(whole), width - whole);
                }
            }
        }
    }
}

/// The backward pass of one row.
struct Row<V> {
    mean: V,
    scale: V,
    /// The sums of `gradient·gamma·unit` and of `gradient·gamma`, where `unit` is the normalised value.
    sums: [V; 2],
    /// Their means over the row.
    slopes: [V; 2],
}

// Methods, not closures: a closure that is not inlined would call each instruction as a function.
impl<V: Vector> Row<V> {
    /// Returns what a vector adds to the gradients of gamma and beta.
    #[inline(always)]
    fn sum(&mut self, x: V, gradient: V, gamma: V) -> [V; 2] {
        let unit = x.sub(self.mean).mul(self.scale);
        let inner = gradient.mul(gamma);
        self.sums = [inner.mul_add(unit, self.sums[0]), self.sums[1].add(inner)];
        [gradient.mul(unit), gradient]
    }

    /// Returns the gradient of `x`.
    #[inline(always)]
    fn x_gradient(&self, x: V, gradient: V, gamma: V) -> V {
        let unit = x.sub(self.mean).mul(self.scale);
        let inner = gradient.mul(gamma).sub(self.slopes[1]);
        inner.sub(unit.mul(self.slopes[0])).mul(self.scale)
    }
}
