//! Products of small matrices that are in the caches. A tile of some rows and two vectors of columns keeps its sums in
//! registers.

#![expect(unsafe_code, reason = "loads and stores of tiles, whose bounds are the caller's promise")]

use super::simd::Vector;

/// Rows of a tile with vectors of sixteen, whose processors have 32 registers, and with shorter ones, which may have 16.
///
/// The channels, widths and tokens of networks are multiples of eight. Taller tiles read their columns less often, but lines
/// that are a multiple of 4 KiB apart leave the first-level cache, which holds eight to twelve of them.
pub(super) const ROWS: [usize; 2] = [8, 6];
/// The number of rows of the tallest tile.
pub(super) const TALLEST: usize = ROWS[0];

/// Returns the number of rows of a tile with vectors of `lanes` values.
pub(super) const fn tile_rows(lanes: usize) -> usize {
    if lanes == 16 { ROWS[0] } else { ROWS[1] }
}

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
    /// `rows` is a multiple of [`tile_rows`] and `columns` one of `V::LANES`. So many rows of `a` and columns of `b` can be read, and
    /// those rows and columns of `out` read and written. `out` overlaps neither `a` nor `b`.
    #[inline(always)]
    pub unsafe fn run<V: Vector, const PAIRS: bool>(self, rows: usize, columns: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            if tile_rows(V::LANES) == ROWS[0] {
                self.run_tiles::<V, { ROWS[0] }, PAIRS>(rows, columns);
            } else {
                self.run_tiles::<V, { ROWS[1] }, PAIRS>(rows, columns);
            }
        }
    }

    /// # Safety
    ///
    /// As for [`Product::run`], with tiles of `HEIGHT` rows.
    #[inline(always)]
    unsafe fn run_tiles<V: Vector, const HEIGHT: usize, const PAIRS: bool>(self, rows: usize, columns: usize) {
        for m in (0..rows).step_by(HEIGHT) {
            let mut n = 0;
            // SAFETY: the caller's promise.
            unsafe {
                while n + 2 * V::LANES <= columns {
                    self.tile::<V, HEIGHT, 2, PAIRS>(m, n);
                    n += 2 * V::LANES;
                }
                if n < columns {
                    self.tile::<V, HEIGHT, 1, PAIRS>(m, n);
                }
            }
        }
    }

    /// # Safety
    ///
    /// As for [`Product::run`], for the tile whose first value is `out[m, n]`.
    #[inline(always)]
    unsafe fn tile<V: Vector, const HEIGHT: usize, const VECTORS: usize, const PAIRS: bool>(self, m: usize, n: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let out = self.out.add(m * self.out_row + n);
            let mut sums = [[V::splat(0.0); VECTORS]; HEIGHT];
            if self.add {
                for r in 0..HEIGHT {
                    for i in 0..VECTORS {
                        sums[r][i] = V::load(out.add(r * self.out_row + i * V::LANES));
                    }
                }
            }
            let mut a = [self.a; HEIGHT];
            for r in 0..HEIGHT {
                a[r] = self.a.add((m + r) * self.row);
            }
            let mut b = self.b.add(n);
            let mut at = 0;
            for _ in 0..self.terms {
                let mut columns = [V::splat(0.0); VECTORS];
                for i in 0..VECTORS {
                    columns[i] = V::load(b.add(i * V::LANES));
                }
                for r in 0..HEIGHT {
                    let factor = V::splat(*a[r].add(at));
                    for i in 0..VECTORS {
                        sums[r][i] = times::<V, PAIRS>(columns[i], factor, sums[r][i]);
                    }
                }
                at += self.step;
                b = b.wrapping_add(self.b_row);
            }
            for r in 0..HEIGHT {
                for i in 0..VECTORS {
                    sums[r][i].store(out.add(r * self.out_row + i * V::LANES));
                }
            }
        }
    }
}
