//! Products of large matrices, in blocks that stay in the caches (Goto and van de Geijn 2008, Anatomy of
//! high-performance matrix multiplication).
//!
//! The right matrix is packed into panels of two vectors of columns, block by block, unless it is in panels already. The
//! left one is read in place. A tile of six or eight rows and a panel keeps its sums in registers. Each term of eight rows
//! needs two loads, eight broadcasts and sixteen multiply-adds, so arithmetic is the bottleneck even if the panel comes from
//! the L2 cache.
//!
//! Terms may also be pairs in half precision, whose products are summed in single precision.

#![expect(unsafe_code, reason = "loads and stores of tiles, whose bounds are checked once for all tiles")]

mod gated;
mod matrix;
mod panels;
mod right;
mod tile;
mod tiled;

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::aligned::aligned;
use super::microkernel::{ROWS, tile_rows};
use super::shared::Shared;
use super::simd::{Isa, Job, Vector};

pub(super) use gated::Gated;
pub(crate) use matrix::Matrix;
pub(crate) use panels::Panels;
pub(super) use right::Right;
use tile::Tile;

/// The largest number of terms of a block.
const TERMS: usize = 768;
/// Rows that are multiplied with all panels of a block before the next rows, so that they stay in the L2 cache.
const BLOCK: usize = 120;
/// Values in the panels of a piece of work, for one block of terms.
const PANELS: usize = 96 << 10;
/// The most values of a block's rows that stay in the L2 cache together with a panel.
const FEW: usize = 128 << 10;
/// Rows of a tile for the last few rows.
const HALF: usize = ROWS[0] / 2;
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

    /// Checks the number of biases, and that the product lies within `count` values.
    fn check(&self, count: usize) {
        let rows = self.left.sizes[0];
        match self.bias {
            Bias::None => {}
            Bias::OfRows(bias) => assert_eq!(bias.len(), rows),
            Bias::OfColumns(bias) => assert!(self.columns.iter().all(|c| c.first + c.count <= bias.len())),
        }
        let last = self.columns.iter().map(|c| c.out + c.count).max().unwrap_or(0);
        let end = if last == 0 { 0 } else { rows.saturating_sub(1) * self.out_row + last };
        assert!(rows == 0 || end <= count, "{rows} rows, {} apart, of {last} in {count}", self.out_row);
    }

    /// Writes the product to `out`, which has `count` values. It writes all of them if the columns cover the output.
    pub fn write(&self, isa: Isa, out: &Shared<f32>, count: usize) {
        let [rows, terms] = self.left.sizes;
        self.check(count);
        if rows == 0 || self.columns.is_empty() {
            return;
        }

        let threads = rayon::current_num_threads();
        let (pair, height) = (2 * isa.lanes(), tile_rows(isa.lanes()));
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
        let rows_of_piece = rows.div_ceil(wanted.min(rows.div_ceil(8 * height))).next_multiple_of(height);
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
        let (left, pair, height) = (product.left, 2 * V::LANES, tile_rows(V::LANES));
        let terms = left.sizes[1];
        let block = Gemm::<R>::block(terms);
        let most = (BLOCK * TERMS / block.max(TERMS)).next_multiple_of(height);
        let panels = aligned(panels, columns.len() * pair * block);
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
                    for m in (0..count).step_by(height) {
                        let tile = Tile {
                            a,
                            a_row,
                            first_line: m,
                            rows: height.min(count - m),
                            panel,
                            terms: here,
                            begins: first == 0,
                        };
                        // SAFETY: the rows and columns of this piece, which are within the output.
                        unsafe {
                            if height == ROWS[1] {
                                tile.run::<V, R, { ROWS[1] }, PAIRS>(product, start + m, columns, out);
                            } else if tile.rows <= HALF {
                                tile.run::<V, R, HALF, PAIRS>(product, start + m, columns, out);
                            } else {
                                tile.run::<V, R, { ROWS[0] }, PAIRS>(product, start + m, columns, out);
                            }
                        }
                    }
                }
            }
        }
    }
}
