//! Products of small matrices that are in the caches. A tile of six rows and two vectors of columns keeps its sums in
//! registers.

#![expect(unsafe_code, reason = "loads and stores of tiles, whose bounds are the caller's promise")]

use super::simd::Vector;

/// Rows of a tile.
pub(super) const ROWS: usize = 6;

/// `out[m, n] = Σ a[m, k]·b[k, n]`, or that added to `out`.
#[derive(Clone, Copy)]
pub(super) struct Product {
    /// `a[m, k]` is at `m·row + k·step`.
    pub a: *const f32,
    pub row: usize,
    pub step: usize,
    /// `b[k, n]` is at `k·b_row + n`.
    pub b: *const f32,
    pub b_row: usize,
    /// The number of terms `k`.
    pub terms: usize,
    /// `out[m, n]` is at `m·out_row + n`.
    pub out: *mut f32,
    pub out_row: usize,
    /// Whether to add to `out`.
    pub add: bool,
}

/// Returns `a·b + sum` for values, or for pairs with `PAIRS`.
#[inline(always)]
pub(super) fn times<V: Vector, const PAIRS: bool>(a: V, b: V, sum: V) -> V {
    if PAIRS { a.dot(b, sum) } else { a.mul_add(b, sum) }
}

impl Product {
    /// Computes the product of `rows` rows and `columns` columns. With `PAIRS` the terms of both matrices are pairs.
    ///
    /// # Safety
    ///
    /// `rows` is a multiple of six and `columns` one of `V::LANES`. So many rows of `a` and columns of `b` can be read, and
    /// those rows and columns of `out` read and written. `out` overlaps neither `a` nor `b`.
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
    /// As for [`Product::run`], for the tile whose first value is `out[m, n]`.
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
