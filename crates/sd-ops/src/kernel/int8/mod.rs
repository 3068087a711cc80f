//! Linear layers as products of integers of 8 bits: the weights in [`Panels`] of `q8_0`, the inputs rounded to the same blocks.
//!
//! A block of 32 inputs of a row is divided by its scale, the largest magnitude over 127, and rounded to the nearest integer. Its
//! products with a block of weights are summed exactly. The sum, times the product of both scales, is added to
//! the output in single precision, block by block from the bias on. This is what ggml computes, except that the scales of
//! inputs are not rounded to half precision.

#![expect(unsafe_code, reason = "pieces of work write to one output")]

mod quantized;
mod ready;
mod tile;

use std::cell::{Cell, RefCell};
use std::ops::Range;

use rayon::prelude::*;
use sd_quant::Panels;

use self::quantized::Quantized;
use self::ready::{Ready, ReadyPanel};
use self::tile::{Outputs, Place, Store};
use super::gemm::Matrix;
use super::shared::Shared;
use super::simd::{DotIsa, DotJob, Dots, Vector};

/// Values of rows that meet all panels of a piece before the next rows, so that they stay in the L2 cache.
const BLOCK: usize = 128 << 10;
/// Weights of a piece of work, for the same reason.
const PANELS: usize = 256 << 10;
/// The fewest rows that are worth copying panels anew for.
const ROWS: usize = 96;
/// A multiple of the rows of all tiles.
const TILES: usize = 12;
/// The fewest multiply-adds that are worth handing to other threads.
const WORK: usize = 1 << 19;

thread_local! {
    static QUANTIZED: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static READY: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Returns whether the outputs of GEGLU fill whole panels, so that they need no pass of their own.
pub(crate) fn gates_at_once(outputs: usize) -> bool {
    outputs.is_multiple_of(2 * Panels::OUTPUTS)
}

/// Returns the rows of several matrices, one below the other, times the weight, plus the bias. If `gated`, returns the first
/// half of the outputs times the GELU of the second half; both halves are [whole panels](gates_at_once).
pub(crate) fn linear(dots: DotIsa, x: &[Matrix], weight: Panels, bias: &[f32], gated: bool) -> Vec<f32> {
    let (panels, inputs) = (weight.len(), weight.blocks() * 32);
    assert!(x.iter().all(|x| x.sizes[1] == inputs), "{inputs} inputs");
    assert_eq!(bias.len(), panels * Panels::OUTPUTS, "one value for each output");
    assert!(!gated || gates_at_once(bias.len()), "{} outputs are no panels and panels of gates", bias.len());

    let rows = x.iter().map(|x| x.sizes[0]).sum::<usize>();
    let count = rows * if gated { bias.len() / 2 } else { bias.len() };
    let mut out: Vec<f32> = Vec::with_capacity(count);
    // Taken, not borrowed: a thread that waits for others may start another product.
    let mut memory = QUANTIZED.take();
    let product = Product {
        rows: Quantized::new(dots, x, &mut memory),
        weight,
        bias,
        pairs: if gated { panels / 2 } else { panels.div_ceil(2) },
        gated,
        out: Shared(out.as_mut_ptr()),
    };
    product.write(dots);
    QUANTIZED.set(memory);
    // SAFETY: all columns of all rows were written.
    unsafe { out.set_len(count) };
    out
}

struct Product<'a> {
    rows: Quantized<'a>,
    weight: Panels<'a>,
    bias: &'a [f32],
    /// Panels two by two: neighbours, or one and that of its gates.
    pairs: usize,
    gated: bool,
    out: Shared<f32>,
}

impl Product<'_> {
    /// Splits the product into pieces of work: by columns as far as panels are to stay in the cache, then by rows, as far
    /// as all threads have work. No sum depends on that.
    fn write(&self, dots: DotIsa) {
        let (rows, blocks) = (self.rows.count, self.weight.blocks());
        if rows == 0 {
            return;
        }
        let threads = rayon::current_num_threads();
        let is_small = threads == 1 || rows * self.pairs * blocks * 2 * Panels::INTEGERS < WORK;
        let wanted = if is_small { 1 } else { 4 * threads };
        let across = self.pairs.div_ceil((PANELS / (2 * blocks * Panels::INTEGERS)).max(1));
        let down = wanted.div_ceil(across).min(rows.div_ceil(ROWS));
        let across = across.max(wanted.div_ceil(down).min(self.pairs));
        let (pairs_of_piece, rows_of_piece) =
            (self.pairs.div_ceil(across), rows.div_ceil(down).next_multiple_of(TILES));
        let down = rows.div_ceil(rows_of_piece);
        let work = |piece: usize| {
            let (first, start) = (piece / down * pairs_of_piece, piece % down * rows_of_piece);
            let pairs = first..self.pairs.min(first + pairs_of_piece);
            let rows = start..rows.min(start + rows_of_piece);
            READY.with_borrow_mut(|memory| dots.run(Piece { product: self, pairs, rows, memory }));
        };
        let pieces = self.pairs.div_ceil(pairs_of_piece) * down;
        if is_small {
            (0..pieces).for_each(work);
        } else {
            (0..pieces).into_par_iter().for_each(work);
        }
    }

    /// Returns the panels of a pair; the second may be missing.
    #[inline(always)]
    fn panels(&self, pair: usize) -> (usize, Option<usize>) {
        let (first, second) = if self.gated { (pair, self.pairs + pair) } else { (2 * pair, 2 * pair + 1) };
        (first, Some(second).filter(|panel| *panel < self.weight.len()))
    }

    /// Returns the outputs of a panel.
    #[inline(always)]
    fn of_panel<'a>(&'a self, panel: usize, ready: ReadyPanel<'a>) -> Outputs<'a> {
        let column = panel * Panels::OUTPUTS;
        Outputs { panel: ready, lane: 0, column, bias: &self.bias[column..][..Panels::OUTPUTS] }
    }

    /// Returns the vectors of the first or second tile of a pair of panels, and what becomes of them.
    #[inline(always)]
    fn tile<'a>(
        &self,
        index: usize,
        first: Outputs<'a>,
        second: Option<Outputs<'a>>,
        lanes: usize,
    ) -> Option<([Outputs<'a>; 2], Store)> {
        let is_wide = lanes == Panels::OUTPUTS;
        match (second, index) {
            (_, 1) if is_wide => None,
            (Some(gates), _) if self.gated => Some(([first.at(index * lanes), gates.at(index * lanes)], Store::Gated)),
            (Some(second), _) if is_wide => Some(([first, second], Store::Both)),
            (None, _) if is_wide => Some(([first; 2], Store::First)),
            (second, _) => {
                let panel = if index == 0 { first } else { second? };
                Some(([panel, panel.at(lanes)], Store::Both))
            }
        }
    }

    /// Returns the columns of the output.
    fn width(&self) -> usize {
        if self.gated { self.bias.len() / 2 } else { self.bias.len() }
    }
}

/// A piece of work: some rows times some pairs of panels.
struct Piece<'a> {
    product: &'a Product<'a>,
    pairs: Range<usize>,
    rows: Range<usize>,
    memory: &'a mut [Vec<f32>; 2],
}

impl DotJob for Piece<'_> {
    #[inline(always)]
    fn run<D: Dots>(self) {
        let Self { product, pairs, rows, memory } = self;
        let panels = pairs.clone().map(|pair| product.panels(pair));
        let all = panels.clone().flat_map(|(first, second)| [Some(first), second]).flatten();
        let ready = Ready::new::<D>(product.weight, all, 2 * pairs.len(), memory);
        let most = (BLOCK / (product.weight.blocks() * 32)).max(1).next_multiple_of(TILES);
        for start in rows.clone().step_by(most) {
            let rows = start..rows.end.min(start + most);
            for (i, pair) in pairs.clone().enumerate() {
                let (first, second) = product.panels(pair);
                let first = product.of_panel(first, ready.panel(2 * i));
                // Only the second of the last pair may be missing, so that all others have their places.
                let second = second.map(|second| product.of_panel(second, ready.panel(2 * i + 1)));
                for i in 0..2 {
                    if let Some((outputs, store)) = product.tile(i, first, second, D::Floats::LANES) {
                        let place = Place { out: &product.out, row: product.width(), column: outputs[0].column };
                        // SAFETY: the rows and columns of this piece of work, which are within the output.
                        unsafe { tile::multiply::<D>(&product.rows, rows.clone(), outputs, place, store) };
                    }
                }
            }
        }
    }
}
