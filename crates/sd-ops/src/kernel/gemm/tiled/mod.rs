//! Products of large matrices in tiles.
//!
//! Rows of the left matrix, 32 at a time, are rounded to bf16 into tiles that stay in the L1 cache while they meet all panels
//! of a block, which stay in the L2 cache. If several pieces of work need the same rows, all are rounded beforehand, and if
//! several need the same panels, all are packed.

mod block;

use std::cell::{Cell, RefCell};
use std::ops::Range;

use rayon::prelude::*;

use self::block::{Block, Spare};
use super::{Columns, Gemm, Right};
use crate::kernel::aligned::aligned;
use crate::kernel::shared::Shared;
use crate::kernel::simd::{TileIsa, TileJob, Vector};
use crate::kernel::tiles::{EDGE, LANES, PAIR, TERMS, Tiles, copy_line, narrow_line};

/// The largest number of pairs of a block: with them, a group of rows takes 32 KB.
const BLOCK: usize = 256;
/// Pairs in the panels of a piece of work, for one block of terms: 1 MB.
const PANELS: usize = 256 << 10;
/// The fewest rows that are worth packing panels anew for.
const ROWS: usize = 256;
/// The fewest multiply-adds that are worth handing to other threads.
const WORK: usize = 1 << 20;

thread_local! {
    static SHARED: Cell<[Vec<f32>; 2]> = const { Cell::new([Vec::new(), Vec::new()]) };
    static MEMORY: RefCell<[Vec<f32>; 3]> = const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

impl<R: Right> Gemm<'_, R> {
    /// As [`write`](Gemm::write), but the left matrix has values, which are rounded, for the pairs of the right one.
    pub fn write_in_tiles(&self, tiles: TileIsa, out: &Shared<f32>, count: usize) {
        let ([rows, terms], panels) = (self.left.sizes, self.columns.len());
        self.check(count);
        if rows == 0 || panels == 0 {
            return;
        }
        let Split { block, rows: rows_of_piece, panels: panels_of_piece } = Split::new::<R>(self.left.sizes, panels);
        let [down, across] = [rows.div_ceil(rows_of_piece), panels.div_ceil(panels_of_piece)];
        // Taken, not borrowed: a thread that waits for others may start another product.
        let [mut left, mut right] = SHARED.take();
        let left_tiles = if across > 1 && terms > 0 { self.rounded(tiles, &mut left) } else { &[] };
        let is_packed = down > 1 && terms > 0 && !R::IN_PANELS;
        let right_panels = if is_packed { self.packed(tiles, block, &mut right) } else { &[] };
        let work = |piece: usize| {
            let (first, start) = (piece / down * panels_of_piece, piece % down * rows_of_piece);
            let columns = &self.columns[first..panels.min(first + panels_of_piece)];
            let rows = start..rows.min(start + rows_of_piece);
            let right = right_panels.get(PAIR * block * first..).unwrap_or_default();
            MEMORY.with_borrow_mut(|memory| {
                tiles.run(Piece { product: self, columns, rows, block, left: left_tiles, right, out, memory });
            });
        };
        if down * across == 1 {
            work(0);
        } else {
            (0..down * across).into_par_iter().for_each(work);
        }
        SHARED.set([left, right]);
    }

    /// Returns all rows of the left matrix in tiles, `[rows of tiles, tiles of terms]`.
    fn rounded<'m>(&self, tiles: TileIsa, memory: &'m mut Vec<f32>) -> &'m [f32] {
        let [rows, terms] = self.left.sizes;
        let row_of_tiles = terms.div_ceil(TERMS) * LANES;
        let all = aligned(memory, rows.div_ceil(PAIR) * 2 * row_of_tiles);
        all.par_chunks_exact_mut(2 * row_of_tiles).enumerate().for_each(|(i, group)| {
            let rows = i * PAIR..rows.min((i + 1) * PAIR);
            MEMORY.with_borrow_mut(|[.., lines]| tiles.run(Round { product: self, rows, group, lines }));
        });
        all
    }

    /// Returns all panels, `[blocks, panels, pairs of a block, 32]`.
    fn packed<'m>(&self, tiles: TileIsa, block: usize, memory: &'m mut Vec<f32>) -> &'m [f32] {
        let (pairs, panels) = (self.left.sizes[1].div_ceil(2), self.columns.len());
        let all = aligned(memory, pairs.div_ceil(block) * panels * PAIR * block);
        all.par_chunks_exact_mut(PAIR * block).enumerate().for_each(|(i, panel)| {
            let first = i / panels * block;
            let (right, columns) = (self.right, &self.columns[i % panels]);
            tiles.run(Pack { right, columns, pairs: first..pairs.min(first + block), panel });
        });
        all
    }
}

/// How a product is split into pieces of work.
struct Split {
    /// The largest number of pairs that are summed at a time: whole tiles.
    block: usize,
    /// Rows of a piece: whole groups.
    rows: usize,
    /// Panels of a piece.
    panels: usize,
}

impl Split {
    /// Each part of the rows packs its panels anew, so columns are split as far as they must be, then rows, as far as that pays,
    /// and then columns again. `panels` are those of all columns. Sums do not depend on the numbers of rows and panels.
    fn new<R: Right>([rows, terms]: [usize; 2], panels: usize) -> Self {
        let pairs = terms.div_ceil(2);
        // Sums that are to be gated cannot be stored between blocks.
        let blocks = if R::GATED { 1 } else { pairs.div_ceil(BLOCK).max(1) };
        let block = pairs.div_ceil(blocks).next_multiple_of(EDGE);
        let threads = rayon::current_num_threads();
        let wanted = if threads == 1 || rows * panels * PAIR * terms < WORK { 1 } else { 2 * threads };
        let most = (PANELS / (PAIR * block.max(1))).max(1);
        let parts = wanted.div_ceil(panels.div_ceil(most)).clamp(1, rows.div_ceil(ROWS));
        let rows_of_piece = rows.div_ceil(parts).next_multiple_of(PAIR);
        let across = panels.div_ceil(most).max(wanted.div_ceil(rows.div_ceil(rows_of_piece)).min(panels));
        Self { block, rows: rows_of_piece, panels: panels.div_ceil(across) }
    }
}

/// Rounds at most 32 rows.
struct Round<'a, 'p, R> {
    product: &'a Gemm<'p, R>,
    rows: Range<usize>,
    group: &'a mut [f32],
    lines: &'a mut Vec<f32>,
}

impl<R> TileJob for Round<'_, '_, R> {
    #[inline(always)]
    fn run<V: Vector, T: Tiles>(self, _tiles: &mut T) {
        self.product.round::<V>(&self.rows, 0..self.product.left.sizes[1], self.group, self.lines);
    }
}

/// Packs a panel, padded with zeros to whole tiles.
struct Pack<'a, R> {
    right: &'a R,
    columns: &'a Columns,
    pairs: Range<usize>,
    panel: &'a mut [f32],
}

impl<R: Right> TileJob for Pack<'_, R> {
    #[inline(always)]
    fn run<V: Vector, T: Tiles>(self, _tiles: &mut T) {
        let Self { right, columns: &Columns { first, count, .. }, pairs, panel } = self;
        right.pack::<V>(pairs.clone(), first, count, panel);
        if !pairs.len().is_multiple_of(EDGE) {
            if R::IN_PANELS {
                let own = right.panel::<V>(pairs.clone(), first, &[]);
                panel[..own.len()].copy_from_slice(own);
            }
            panel[pairs.len() * PAIR..pairs.len().next_multiple_of(EDGE) * PAIR].fill(0.0);
        }
    }
}

/// A piece of work: some rows of some columns.
struct Piece<'a, 'p, R> {
    product: &'a Gemm<'p, R>,
    columns: &'a [Columns],
    rows: Range<usize>,
    /// Pairs of a block, whole tiles.
    block: usize,
    /// All rows of the left matrix in tiles, or nothing.
    left: &'a [f32],
    /// All panels of the right matrix from the first of these columns on, or nothing.
    right: &'a [f32],
    out: &'a Shared<f32>,
    memory: &'a mut [Vec<f32>; 3],
}

impl<R: Right> TileJob for Piece<'_, '_, R> {
    #[inline(always)]
    fn run<V: Vector, T: Tiles>(self, tiles: &mut T) {
        let Self { product, columns, rows, block, left, right, out, memory: [panels, group, lines] } = self;
        let terms = product.left.sizes[1];
        let pairs = terms.div_ceil(2);
        let panels = aligned(panels, columns.len() * PAIR * block);
        let group = aligned(group, PAIR * block);
        let mut spare = Spare::new();
        // Without terms there is one block, which writes the bias.
        for first in (0..pairs.max(1)).step_by(block.max(1)) {
            let here = block.min(pairs - first);
            let steps = here.div_ceil(EDGE);
            // Panels of the matrix itself are copied only if they do not fill whole tiles.
            let own = R::IN_PANELS && here.is_multiple_of(EDGE);
            let panels = if right.is_empty() && !own {
                for (columns, panel) in columns.iter().zip(panels.chunks_exact_mut((PAIR * block).max(1))) {
                    Pack { right: product.right, columns, pairs: first..first + here, panel }.run::<V, T>(tiles);
                }
                &*panels
            } else {
                right.get(first * PAIR * product.columns.len()..).unwrap_or_default()
            };
            for start in rows.clone().step_by(PAIR) {
                let rows = start..rows.end.min(start + PAIR);
                let row_of_tiles = if left.is_empty() { steps } else { pairs.div_ceil(EDGE) } * LANES;
                let group = if left.is_empty() {
                    product.round::<V>(&rows, 2 * first..terms.min(2 * (first + here)), group, lines);
                    &*group
                } else {
                    &left[start / EDGE * row_of_tiles + first / EDGE * LANES..]
                };
                for (i, columns) in columns.iter().enumerate() {
                    let pairs = first..first + here;
                    let panel = if own {
                        product.right.panel::<V>(pairs, columns.first, &[])
                    } else {
                        &panels[i * PAIR * block..]
                    };
                    let block =
                        Block { rows: rows.clone(), columns, group, row_of_tiles, panel, steps, begins: first == 0 };
                    if rows.len() > EDGE {
                        block.run::<V, T, R, true>(tiles, product, out, &mut spare);
                    } else {
                        block.run::<V, T, R, false>(tiles, product, out, &mut spare);
                    }
                }
            }
        }
    }
}

impl<R> Gemm<'_, R> {
    /// Rounds some terms of at most 32 rows to two rows of tiles, padded with zeros.
    #[inline(always)]
    fn round<V: Vector>(&self, rows: &Range<usize>, terms: Range<usize>, group: &mut [f32], memory: &mut Vec<f32>) {
        let row_of_tiles = terms.len().div_ceil(TERMS) * LANES;
        if row_of_tiles == 0 {
            return;
        }
        let group = &mut group[..2 * row_of_tiles];
        if rows.len() < PAIR {
            group.fill(0.0);
        }
        let is_half = self.left.half_line(rows.start, terms.clone()).is_some();
        let lines = if is_half { (&[][..], 0) } else { self.left.lines::<V>(rows.clone(), terms.clone(), memory) };
        for row in 0..rows.len() {
            let tiles = &mut group[row / EDGE * row_of_tiles..][..row_of_tiles];
            match self.left.half_line(rows.start + row, terms.clone()) {
                Some(line) => copy_line(line, row % EDGE, tiles),
                None => narrow_line::<V>(&lines.0[row * lines.1..][..terms.len()], row % EDGE, tiles),
            }
        }
    }
}
