#![expect(unsafe_code, reason = "loads and stores, whose bounds are checked once for the whole tile")]

use super::right::Right;
use super::{Bias, Columns, Gemm};
use crate::kernel::activation::geglu;
use crate::kernel::microkernel::{TALLEST, times};
use crate::kernel::shared::Shared;
use crate::kernel::simd::Vector;

/// Some rows times a panel.
pub(super) struct Tile<'a> {
    /// The terms of the rows, `a_row` values apart.
    pub a: &'a [f32],
    pub a_row: usize,
    pub first_line: usize,
    /// The number of rows: all of the tile's, or fewer at the end.
    pub rows: usize,
    pub panel: &'a [f32],
    pub terms: usize,
    /// Whether these are the first terms.
    pub begins: bool,
}

impl Tile<'_> {
    /// Multiplies `HEIGHT` rows and stores those that there are.
    ///
    /// # Safety
    ///
    /// The rows from `row` and the columns are within `out`.
    #[inline(always)]
    pub unsafe fn run<V: Vector, R: Right, const HEIGHT: usize, const PAIRS: bool>(
        &self,
        product: &Gemm<R>,
        row: usize,
        columns: &Columns,
        out: &Shared<f32>,
    ) {
        let pair = 2 * V::LANES;
        assert!(self.panel.len() >= self.terms * pair);
        assert!(self.a.len() >= (self.first_line + self.rows - 1) * self.a_row + self.terms);
        let whole = self.rows == HEIGHT && columns.count == if R::GATED { V::LANES } else { pair };
        let mut spare = [0.0; TALLEST * 2 * 16];
        // SAFETY: the lines have `terms` values, the panel has two vectors for each term, and `to` has `HEIGHT` rows of two
        // vectors, in `out` or in `spare`.
        unsafe {
            let at = out.part(row * product.out_row + columns.out);
            let (to, to_row) = if whole { (at, product.out_row) } else { (spare.as_mut_ptr(), pair) };
            let mut sums = [[V::splat(0.0); 2]; HEIGHT];
            if self.begins {
                match product.bias {
                    Bias::None => {}
                    Bias::OfRows(bias) => {
                        for r in 0..HEIGHT {
                            let bias = V::splat(bias[(row + r).min(bias.len() - 1)]);
                            sums[r] = [bias; 2];
                        }
                    }
                    Bias::OfColumns(bias) if columns.count == pair => {
                        let bias = &bias[columns.first..][..pair];
                        sums = [[V::load(bias.as_ptr()), V::load(bias.as_ptr().add(V::LANES))]; HEIGHT];
                    }
                    Bias::OfColumns(bias) => {
                        let mut both = [0.0; 2 * 16];
                        both[..columns.count].copy_from_slice(&bias[columns.first..][..columns.count]);
                        if R::GATED {
                            let gates = &bias[bias.len() / 2 + columns.first..][..columns.count];
                            both[V::LANES..][..columns.count].copy_from_slice(gates);
                        }
                        sums = [[V::load(both.as_ptr()), V::load(both.as_ptr().add(V::LANES))]; HEIGHT];
                    }
                }
            } else {
                if !whole {
                    for r in 0..self.rows {
                        std::ptr::copy_nonoverlapping(at.add(r * product.out_row), to.add(r * pair), columns.count);
                    }
                }
                for r in 0..HEIGHT {
                    for i in 0..2 {
                        sums[r][i] = V::load(to.add(r * to_row + i * V::LANES));
                    }
                }
            }
            let mut lines = [self.a.as_ptr(); HEIGHT];
            for r in 0..HEIGHT {
                lines[r] = self.a.as_ptr().add((self.first_line + r.min(self.rows - 1)) * self.a_row);
            }
            let mut panel = self.panel.as_ptr();
            for k in 0..self.terms {
                let columns = [V::load(panel), V::load(panel.add(V::LANES))];
                for r in 0..HEIGHT {
                    let factor = V::splat(*lines[r].add(k));
                    sums[r][0] = times::<V, PAIRS>(columns[0], factor, sums[r][0]);
                    sums[r][1] = times::<V, PAIRS>(columns[1], factor, sums[r][1]);
                }
                panel = panel.wrapping_add(pair);
            }
            for r in 0..HEIGHT {
                if R::GATED {
                    geglu(sums[r][0], sums[r][1]).store(to.add(r * to_row));
                    continue;
                }
                for i in 0..2 {
                    sums[r][i].store(to.add(r * to_row + i * V::LANES));
                }
            }
            if !whole {
                for r in 0..self.rows {
                    std::ptr::copy_nonoverlapping(to.add(r * pair), at.add(r * product.out_row), columns.count);
                }
            }
        }
    }
}
