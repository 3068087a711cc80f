//! Products of large matrices, in blocks that stay in the caches (Goto and van de Geijn 2008, Anatomy of
//! high-performance matrix multiplication).
//!
//! The right matrix is packed into panels of two vectors of columns, block by block, unless it is in panels already. The
//! left one is read in place. A tile of six rows and a panel keeps its sums in registers. Each term needs two loads, six
//! broadcasts and twelve multiply-adds, so arithmetic is the bottleneck even if the panel comes from the L2 cache.
//!
//! Terms may also be pairs in half precision, whose products are summed in single precision.

#![expect(unsafe_code, reason = "loads and stores of tiles, whose bounds are checked once for all tiles")]

mod gated;
mod matrix;
mod panels;
mod right;

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::activation::geglu;
use super::microkernel::{ROWS, times};
use super::shared::Shared;
use super::simd::{Isa, Job, Vector};

pub(super) use gated::Gated;
pub(crate) use matrix::Matrix;
pub(crate) use panels::Panels;
pub(super) use right::Right;

/// The largest number of terms of a block.
const TERMS: usize = 768;
/// Rows that are multiplied with all panels of a block before the next rows, so that they stay in the L2 cache.
const BLOCK: usize = 20 * ROWS;
/// Values in the panels of a piece of work, for one block of terms.
const PANELS: usize = 96 << 10;
/// The most values of a block's rows that stay in the L2 cache together with a panel.
const FEW: usize = 128 << 10;
/// The fewest multiply-adds that are worth handing to other threads.
const WORK: usize = 1 << 17;

thread_local! {
    static MEMORY: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// At most a panel of adjacent columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    /// The first of them in the right matrix.
    pub first: usize,
    pub count: usize,
    /// The place of the first column in the first row of the output.
    pub out: usize,
}

impl Columns {
    /// Splits `images` times `pixels` columns into panels. Images are `apart` values apart in the output.
    pub fn panels(isa: Isa, images: usize, pixels: usize, apart: usize) -> Vec<Self> {
        Self::by(2 * isa.lanes(), images, pixels, apart)
    }

    /// Splits `width` columns with a gate each into panels of one vector of columns and one of gates.
    pub fn gated(isa: Isa, width: usize) -> Vec<Self> {
        Self::by(isa.lanes(), 1, width, 0)
    }

    fn by(most: usize, images: usize, pixels: usize, apart: usize) -> Vec<Self> {
        let image_panels = |n: usize| {
            (0..pixels).step_by(most).map(move |p| {
                let count = most.min(pixels - p);
                Self { first: n * pixels + p, count, out: n * apart + p }
            })
        };
        (0..images).flat_map(image_panels).collect()
    }
}

/// The initial values of the sums.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bias<'a> {
    /// Zero.
    None,
    /// A value for each row.
    OfRows(&'a [f32]),
    /// A value for each column of the right matrix.
    OfColumns(&'a [f32]),
}

/// A product of matrices plus a bias.
#[derive(Clone, Copy)]
pub(super) struct Gemm<'a, R> {
    /// `[rows, terms]`.
    pub left: Matrix<'a>,
    pub right: &'a R,
    pub columns: &'a [Columns],
    pub bias: Bias<'a>,
    /// Distance between rows of the output.
    pub out_row: usize,
    /// Whether the terms of both matrices are pairs.
    pub pairs: bool,
}

impl<R: Right> Gemm<'_, R> {
    /// Returns the number of terms of a block. It is all `terms` if sums cannot be stored between blocks.
    fn block(terms: usize) -> usize {
        if R::GATED { terms } else { terms.div_ceil(terms.div_ceil(TERMS).max(1)) }
    }

    /// Writes the product to `out`, which has `count` values. It writes all of them if the columns cover the output.
    pub fn write(&self, isa: Isa, out: &Shared<f32>, count: usize) {
        let [rows, terms] = self.left.sizes;
        match self.bias {
            Bias::None => {}
            Bias::OfRows(bias) => assert_eq!(bias.len(), rows),
            Bias::OfColumns(bias) => assert!(self.columns.iter().all(|c| c.first + c.count <= bias.len())),
        }
        if rows == 0 || self.columns.is_empty() {
            return;
        }
        let last = self.columns.iter().map(|c| c.out + c.count).max().unwrap_or(0);
        assert!((rows - 1) * self.out_row + last <= count, "{rows} rows, {} apart, of {last} in {count}", self.out_row);

        let threads = rayon::current_num_threads();
        let pair = 2 * isa.lanes();
        let block = Self::block(terms).max(1);
        // If all rows stay in the L2 cache, each piece is one panel, so that all threads finish together.
        let columns_per_piece = if rows * block <= FEW { 1 } else { (PANELS / (pair * block)).max(1) };
        let all = self.columns.len();
        let pieces = all.div_ceil(columns_per_piece);
        let columns_per_piece = all.div_ceil(pieces);
        // Each part of the rows packs its panels anew: as few parts as keep all threads busy to the end.
        let is_fair = |parts: &usize| {
            let all = pieces * parts;
            all >= 4 * threads || all >= 2 * threads && all.is_multiple_of(threads)
        };
        let wanted = if threads == 1 { 1 } else { (1..).find(is_fair).unwrap_or(1) };
        let rows_of_piece = rows.div_ceil(wanted.min(rows.div_ceil(8 * ROWS))).next_multiple_of(ROWS);
        let parts = rows.div_ceil(rows_of_piece);
        let work = |piece: usize| {
            let (columns, part) = (piece / parts, piece % parts);
            let columns = &self.columns[columns * columns_per_piece..all.min((columns + 1) * columns_per_piece)];
            let rows = part * rows_of_piece..rows.min((part + 1) * rows_of_piece);
            MEMORY.with_borrow_mut(|memory| {
                let piece = Piece { product: self, columns, rows, out, memory };
                if self.pairs { isa.run(Paired(piece)) } else { isa.run(piece) }
            });
        };
        let pieces = all.div_ceil(columns_per_piece) * parts;
        if threads == 1 || pieces == 1 || rows * all * pair * terms < WORK {
            (0..pieces).for_each(work);
        } else {
            (0..pieces).into_par_iter().for_each(work);
        }
    }
}

/// A piece of work: some rows of some columns.
struct Piece<'a, 'p, R> {
    product: &'a Gemm<'p, R>,
    columns: &'a [Columns],
    rows: Range<usize>,
    out: &'a Shared<f32>,
    memory: &'a mut [Vec<f32>; 2],
}

impl<R: Right> Job for Piece<'_, '_, R> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        self.run_by::<V, false>();
    }
}

/// A [`Piece`] whose terms are pairs.
struct Paired<'a, 'p, R>(Piece<'a, 'p, R>);

impl<R: Right> Job for Paired<'_, '_, R> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        self.0.run_by::<V, true>();
    }
}

impl<R: Right> Piece<'_, '_, R> {
    #[inline(always)]
    fn run_by<V: Vector, const PAIRS: bool>(self) {
        let Self { product, columns, rows, out, memory: [panels, lines] } = self;
        let (left, pair) = (product.left, 2 * V::LANES);
        let terms = left.sizes[1];
        let block = Gemm::<R>::block(terms);
        let most = (BLOCK * TERMS / block.max(TERMS)).next_multiple_of(ROWS);
        panels.resize(columns.len() * pair * block, 0.0);
        // Without terms there is one block, which writes the bias.
        for first in (0..terms.max(1)).step_by(block.max(1)) {
            let here = block.min(terms - first);
            for (columns, panel) in columns.iter().zip(panels.chunks_exact_mut((pair * block).max(1))) {
                product.right.pack::<V>(first..first + here, columns.first, columns.count, panel);
            }
            for start in rows.clone().step_by(most) {
                let count = most.min(rows.end - start);
                let (a, a_row) = left.lines::<V>(start..start + count, first..first + here, lines);
                for (i, columns) in columns.iter().enumerate() {
                    let packed = &panels[i * pair * block..];
                    let panel = product.right.panel::<V>(first..first + here, columns.first, packed);
                    for m in (0..count).step_by(ROWS) {
                        let tile = Tile {
                            a,
                            a_row,
                            first_line: m,
                            rows: ROWS.min(count - m),
                            panel,
                            terms: here,
                            begins: first == 0,
                        };
                        // SAFETY: the rows and columns of this piece, which are within the output.
                        unsafe { tile.run::<V, R, PAIRS>(product, start + m, columns, out) };
                    }
                }
            }
        }
    }
}

/// Six rows times a panel.
struct Tile<'a> {
    /// The terms of the rows, `a_row` values apart.
    a: &'a [f32],
    a_row: usize,
    first_line: usize,
    /// The number of rows: six, or fewer at the end.
    rows: usize,
    panel: &'a [f32],
    terms: usize,
    /// Whether these are the first terms.
    begins: bool,
}

impl Tile<'_> {
    /// # Safety
    ///
    /// The rows from `row` and the columns are within `out`.
    #[inline(always)]
    unsafe fn run<V: Vector, R: Right, const PAIRS: bool>(
        &self,
        product: &Gemm<R>,
        row: usize,
        columns: &Columns,
        out: &Shared<f32>,
    ) {
        let pair = 2 * V::LANES;
        assert!(self.panel.len() >= self.terms * pair);
        assert!(self.a.len() >= (self.first_line + self.rows - 1) * self.a_row + self.terms);
        let whole = self.rows == ROWS && columns.count == if R::GATED { V::LANES } else { pair };
        let mut spare = [0.0; ROWS * 2 * 16];
        // SAFETY: the lines have `terms` values, the panel has two vectors for each term, and `to` has six rows of two
        // vectors, in `out` or in `spare`.
        unsafe {
            let at = out.part(row * product.out_row + columns.out);
            let (to, to_row) = if whole { (at, product.out_row) } else { (spare.as_mut_ptr(), pair) };
            let mut sums = [[V::splat(0.0); 2]; ROWS];
            if self.begins {
                match product.bias {
                    Bias::None => {}
                    Bias::OfRows(bias) => {
                        for r in 0..ROWS {
                            let bias = V::splat(bias[(row + r).min(bias.len() - 1)]);
                            sums[r] = [bias; 2];
                        }
                    }
                    Bias::OfColumns(bias) if columns.count == pair => {
                        let bias = &bias[columns.first..][..pair];
                        sums = [[V::load(bias.as_ptr()), V::load(bias.as_ptr().add(V::LANES))]; ROWS];
                    }
                    Bias::OfColumns(bias) => {
                        let mut both = [0.0; 2 * 16];
                        both[..columns.count].copy_from_slice(&bias[columns.first..][..columns.count]);
                        if R::GATED {
                            let gates = &bias[bias.len() / 2 + columns.first..][..columns.count];
                            both[V::LANES..][..columns.count].copy_from_slice(gates);
                        }
                        sums = [[V::load(both.as_ptr()), V::load(both.as_ptr().add(V::LANES))]; ROWS];
                    }
                }
            } else {
                if !whole {
                    for r in 0..self.rows {
                        std::ptr::copy_nonoverlapping(at.add(r * product.out_row), to.add(r * pair), columns.count);
                    }
                }
                for r in 0..ROWS {
                    for i in 0..2 {
                        sums[r][i] = V::load(to.add(r * to_row + i * V::LANES));
                    }
                }
            }
            let mut lines = [self.a.as_ptr(); ROWS];
            for r in 0..ROWS {
                lines[r] = self.a.as_ptr().add((self.first_line + r.min(self.rows - 1)) * self.a_row);
            }
            let mut panel = self.panel.as_ptr();
            for k in 0..self.terms {
                let columns = [V::load(panel), V::load(panel.add(V::LANES))];
                for r in 0..ROWS {
                    let factor = V::splat(*lines[r].add(k));
                    sums[r][0] = times::<V, PAIRS>(columns[0], factor, sums[r][0]);
                    sums[r][1] = times::<V, PAIRS>(columns[1], factor, sums[r][1]);
                }
                panel = panel.wrapping_add(pair);
            }
            for r in 0..ROWS {
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
