#![expect(unsafe_code, reason = "loads and stores of tiles, whose bounds are checked once for all tiles")]

use std::ops::Range;

use crate::kernel::activation::geglu;
use crate::kernel::gemm::{Bias, Columns, Gemm, Right};
use crate::kernel::shared::Shared;
use crate::kernel::simd::Vector;
use crate::kernel::tiles::{EDGE, LANES, PAIR, Sums, Tiles, multiply};

/// At most 32 rows times a panel.
pub(super) struct Block<'a> {
    pub rows: Range<usize>,
    pub columns: &'a Columns,
    /// Two rows of tiles.
    pub group: &'a [f32],
    /// The distance between them.
    pub row_of_tiles: usize,
    pub panel: &'a [f32],
    pub steps: usize,
    /// Whether these are the first terms.
    pub begins: bool,
}

/// Memory for two times two tiles of sums.
#[repr(align(64))]
pub(super) struct Spare([f32; PAIR * PAIR]);

impl Spare {
    pub fn new() -> Self {
        Self([0.0; PAIR * PAIR])
    }
}

impl Block<'_> {
    #[inline(always)]
    pub fn run<V: Vector, T: Tiles, R: Right, const TALL: bool>(
        &self,
        tiles: &mut T,
        product: &Gemm<R>,
        out: &Shared<f32>,
        spare: &mut Spare,
    ) {
        let Self { rows, columns, steps, .. } = self;
        assert!(self.panel.len() >= steps * EDGE * PAIR && self.group.len() >= self.row_of_tiles + steps * LANES);
        let whole = rows.len() == PAIR && columns.count == PAIR;
        let bias_row = if self.begins { initial(product, rows, columns, spare) } else { None };
        let spare = spare.0.as_mut_ptr();
        // SAFETY: the rows and columns of this piece, whose last values `check` found in the output. `multiply` gets whole
        // tiles of both matrices, and 32 rows of 32 lanes in `spare`, or in the output if those are `whole`.
        unsafe {
            let at = out.part(rows.start * product.out_row + columns.out);
            let sums = match bias_row {
                Some(row) => Sums::At(spare, row),
                None if self.begins => Sums::Zero,
                None if whole => Sums::At(at, product.out_row),
                None => {
                    for row in 0..rows.len() {
                        let (from, to) = (at.add(row * product.out_row), spare.add(row * PAIR));
                        std::ptr::copy_nonoverlapping(from, to, columns.count);
                    }
                    Sums::At(spare, PAIR)
                }
            };
            let is_direct = whole && !R::GATED;
            let to = if is_direct { (at, product.out_row) } else { (spare, PAIR) };
            let factors = [self.group.as_ptr(), self.panel.as_ptr()];
            multiply::<T, TALL>(tiles, factors, self.row_of_tiles, *steps, sums, to);
            if is_direct {
                return;
            }
            for row in 0..rows.len() {
                let line = spare.add(row * PAIR);
                if R::GATED {
                    geglu(V::load(line), V::load(line.add(EDGE))).store(line);
                }
                std::ptr::copy_nonoverlapping(line, at.add(row * product.out_row), columns.count);
            }
        }
    }
}

/// Writes the bias to `spare`, and returns the distance between its rows; none without a bias.
#[inline(always)]
fn initial<R: Right>(product: &Gemm<R>, rows: &Range<usize>, columns: &Columns, spare: &mut Spare) -> Option<usize> {
    match product.bias {
        Bias::None => None,
        Bias::OfRows(bias) => {
            for (row, to) in rows.clone().zip(spare.0.chunks_exact_mut(PAIR)) {
                to.fill(bias[row]);
            }
            Some(PAIR)
        }
        Bias::OfColumns(bias) => {
            let Columns { first, count, .. } = *columns;
            spare.0[..count].copy_from_slice(&bias[first..][..count]);
            if R::GATED {
                spare.0[EDGE..][..count].copy_from_slice(&bias[bias.len() / 2 + first..][..count]);
            }
            // All rows are the first one.
            Some(0)
        }
    }
}
