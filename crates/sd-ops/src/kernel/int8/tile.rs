#![expect(unsafe_code, reason = "loads and stores, whose bounds are checked once for the whole tile")]

use std::ops::Range;

use sd_quant::Panels;

use super::quantized::{BLOCK, Quantized};
use super::ready::ReadyPanel;
use crate::kernel::activation::geglu;
use crate::kernel::shared::Shared;
use crate::kernel::simd::{Dots, Vector};

/// Bytes of four inputs of a panel's outputs.
const STEP: usize = 4 * Panels::OUTPUTS;
/// The most rows of a tile.
const TALLEST: usize = 6;

/// A vector of outputs.
#[derive(Clone, Copy)]
pub(super) struct Outputs<'a> {
    pub panel: ReadyPanel<'a>,
    /// The first of them in the panel.
    pub lane: usize,
    /// Its column of the weight.
    pub column: usize,
    /// The bias of each, and perhaps of further ones.
    pub bias: &'a [f32],
}

impl Outputs<'_> {
    /// Returns those from `lanes` later on.
    #[inline(always)]
    pub fn at(self, lanes: usize) -> Self {
        Self { lane: self.lane + lanes, column: self.column + lanes, bias: &self.bias[lanes..], ..self }
    }
}

/// Where a tile's rows are written.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub out: &'a Shared<f32>,
    /// The distance between rows.
    pub row: usize,
    /// The column of the first output.
    pub column: usize,
}

/// What becomes of two vectors of sums.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Store {
    /// Both are outputs.
    Both,
    /// The second is the first once more.
    First,
    /// The first times the GELU of the second is one.
    Gated,
}

/// Multiplies some rows with two vectors of outputs.
///
/// # Safety
///
/// These rows and the outputs lie within the memory of `place`, and no other thread uses them.
#[inline(always)]
pub(super) unsafe fn multiply<D: Dots>(
    x: &Quantized,
    rows: Range<usize>,
    outputs: [Outputs; 2],
    place: Place,
    store: Store,
) {
    for first in rows.clone().step_by(D::ROWS) {
        let rows = first..rows.end.min(first + D::ROWS);
        // SAFETY: the caller's promise.
        unsafe {
            if D::ROWS == TALLEST {
                tile::<D, TALLEST>(x, rows, outputs, place, store);
            } else {
                tile::<D, 4>(x, rows, outputs, place, store);
            }
        }
    }
}

/// As [`multiply`], for at most `HEIGHT` rows.
///
/// # Safety
///
/// As for [`multiply`].
#[inline(always)]
unsafe fn tile<D: Dots, const HEIGHT: usize>(
    x: &Quantized,
    rows: Range<usize>,
    outputs: [Outputs; 2],
    place: Place,
    store: Store,
) {
    let lanes = D::Floats::LANES;
    let blocks = outputs[0].panel.scales.len() / Panels::OUTPUTS;
    assert!(!rows.is_empty() && rows.len() <= HEIGHT && D::ROWS == HEIGHT);
    assert!(x.values.len() >= rows.end * blocks * BLOCK && x.scales.len().min(x.starts.len()) >= rows.end * blocks);
    for Outputs { panel, lane, bias, .. } in outputs {
        assert!(lane + lanes <= Panels::OUTPUTS && bias.len() >= lanes);
        assert!(panel.scales.len() == blocks * Panels::OUTPUTS && panel.weights.len() == blocks * Panels::INTEGERS);
    }
    // SAFETY: the lines have `blocks` blocks and numbers, and so have both panels; `place` is the caller's promise.
    unsafe {
        let mut totals =
            [[D::Floats::load(outputs[0].bias.as_ptr()), D::Floats::load(outputs[1].bias.as_ptr())]; HEIGHT];
        let mut lines = [x.values.as_ptr(); HEIGHT];
        let mut numbers = [0; HEIGHT];
        for r in 0..HEIGHT {
            // Rows that are missing are the last one.
            let row = rows.start + r.min(rows.len() - 1);
            lines[r] = x.values.as_ptr().add(row * blocks * BLOCK);
            numbers[r] = row * blocks;
        }
        let weights = outputs.map(|outputs| outputs.panel.weights.as_ptr().add(4 * outputs.lane));
        let scales = outputs.map(|outputs| outputs.panel.scales.as_ptr().add(outputs.lane));
        for block in 0..blocks {
            let mut sums = [[D::splat(0); 2]; HEIGHT];
            if D::UNSIGNED {
                for r in 0..HEIGHT {
                    sums[r] = [D::splat(*x.starts.as_ptr().add(numbers[r] + block)); 2];
                }
            }
            for k in 0..BLOCK / 4 {
                let at = block * Panels::INTEGERS + k * STEP;
                let weights = [D::load(weights[0].add(at)), D::load(weights[1].add(at))];
                for r in 0..HEIGHT {
                    let four = lines[r].add(block * BLOCK + 4 * k).cast::<i32>().read_unaligned();
                    sums[r] = [D::add(sums[r][0], weights[0], four), D::add(sums[r][1], weights[1], four)];
                }
            }
            let at = block * Panels::OUTPUTS;
            let scales = [D::Floats::load(scales[0].add(at)), D::Floats::load(scales[1].add(at))];
            for r in 0..HEIGHT {
                let scale = D::Floats::splat(*x.scales.as_ptr().add(numbers[r] + block));
                for i in 0..2 {
                    totals[r][i] = totals[r][i].add(D::to_floats(sums[r][i]).mul(scales[i].mul(scale)));
                }
            }
        }
        for r in 0..rows.len() {
            let to = place.out.part((rows.start + r) * place.row + place.column);
            match store {
                Store::Gated => geglu(totals[r][0], totals[r][1]).store(to),
                Store::First => totals[r][0].store(to),
                Store::Both => {
                    totals[r][0].store(to);
                    totals[r][1].store(to.add(lanes));
                }
            }
        }
    }
}
