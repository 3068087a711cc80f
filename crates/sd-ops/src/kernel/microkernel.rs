//! Small products of matrices that lie in the caches: six rows and two vectors of columns at a time, whose sums stay in
//! registers.

#![expect(unsafe_code, reason = "the tile's loads and stores, whose bounds are the caller's promise")]

use super::simd::Vector;

/// Rows of a tile.
pub(super) const ROWS: usize = 6;

/// `out[m, n] = Σ a[m, k]·b[k, n]`, or that added to what is there.
#[derive(Clone, Copy)]
pub(super) struct Product {
    /// `a[m, k]` lies at `m·row + k·step`.
    pub a: *const f32,
    pub row: usize,
    pub step: usize,
    /// `b[k, n]` lies at `k·b_row + n`.
    pub b: *const f32,
    pub b_row: usize,
    /// How many `k` there are.
    pub terms: usize,
    /// `out[m, n]` lies at `m·out_row + n`.
    pub out: *mut f32,
    pub out_row: usize,
    /// Whether to add.
    pub add: bool,
}

/// `a·b + sum`, of values or of pairs.
#[inline(always)]
pub(super) fn times<V: Vector, const PAIRS: bool>(a: V, b: V, sum: V) -> V {
    if PAIRS { a.dot(b, sum) } else { a.mul_add(b, sum) }
}

impl Product {
    /// `PAIRS`: whether the terms of both matrices are pairs.
    ///
    /// # Safety
    ///
    /// All of `rows` rows of `a`, a multiple of six, of `columns` columns of `b`, a multiple of a vector's values, and of
    /// those rows and columns of `out` can be read or written, and `out` overlaps neither.
    #[inline(always)]
    pub unsafe fn run<V: Vector, const PAIRS: bool>(self, rows: usize, columns: usize) {
        for m in (0..rows).step_by(ROWS) {
            let mut n = 0;
            // SAFETY: the caller's promise.
            unsafe {
                while n + 2 * V::LANES <= columns {
                    self.tile::<V, 2, PAIRS>(m, n);
                    n += 2 * V::LANES;
                }
                if n < columns {
                    self.tile::<V, 1, PAIRS>(m, n);
                }
            }
        }
    }

    /// # Safety
    ///
    /// As of [`Product::run`], for the tile whose first number is `out[m, n]`.
    #[inline(always)]
    unsafe fn tile<V: Vector, const VECTORS: usize, const PAIRS: bool>(self, m: usize, n: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let out = self.out.add(m * self.out_row + n);
            let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
            if self.add {
                for r in 0..ROWS {
                    for i in 0..VECTORS {
                        sums[r][i] = V::load(out.add(r * self.out_row + i * V::LANES));
                    }
                }
            }
            let mut a = [self.a; ROWS];
            for r in 0..ROWS {
                a[r] = self.a.add((m + r) * self.row);
            }
            let mut b = self.b.add(n);
            let mut at = 0;
            for _ in 0..self.terms {
                let mut columns = [V::splat(0.0); VECTORS];
                for i in 0..VECTORS {
                    columns[i] = V::load(b.add(i * V::LANES));
                }
                for r in 0..ROWS {
                    let factor = V::splat(*a[r].add(at));
                    for i in 0..VECTORS {
                        sums[r][i] = times::<V, PAIRS>(columns[i], factor, sums[r][i]);
                    }
                }
                at += self.step;
                b = b.wrapping_add(self.b_row);
            }
            for r in 0..ROWS {
                for i in 0..VECTORS {
                    sums[r][i].store(out.add(r * self.out_row + i * V::LANES));
                }
            }
        }
    }
}
