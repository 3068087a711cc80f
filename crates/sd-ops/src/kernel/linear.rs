//! The linear layer.

#![expect(unsafe_code, reason = "several matrices write their rows to one output")]

use std::ops::Range;

use rayon::prelude::*;

use super::gemm::{Bias, Columns, Gated, Gemm, Matrix, Panels, Right};
use super::shared::Shared;
use super::simd::{Isa, Job, Vector, narrow};
use super::weight_slice::WeightSlice;

/// Rows that one piece of work rounds to pairs.
const ROWS: usize = 16;

/// A layer's weight, `[inputs, outputs]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight<'a> {
    pub values: WeightSlice<'a>,
    pub sizes: [usize; 2],
    pub places: Places,
}

/// The memory layout of a weight.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Places {
    /// The distances between inputs and between outputs.
    Apart([usize; 2]),
    /// Panels of values, or of pairs if the weight is in bf16.
    Panels,
}

impl<'a> Weight<'a> {
    /// Returns a weight in bf16 with pairs of inputs as its rows, if its memory allows that.
    fn pairs(&self) -> Option<Factor<'a>> {
        let [inputs, outputs] = self.sizes;
        let (pairs, sizes) = (self.values.pairs()?, [inputs / 2, outputs]);
        match self.places {
            Places::Panels => Some(Factor::Panels(Panels::new(pairs, sizes))),
            Places::Apart([1, output]) if inputs % 2 == 0 && output % 2 == 0 => {
                Some(Factor::Matrix(Matrix::new(pairs, sizes, [1, output / 2])))
            }
            Places::Apart(_) => None,
        }
    }
}

/// The right matrix of a product.
#[derive(Clone, Copy)]
enum Factor<'a> {
    Matrix(Matrix<'a>),
    Panels(Panels<'a>),
}

/// Returns the rows of several matrices, one below the other, times the weight, plus the bias. If `gated`, returns the first
/// half of the outputs times the GELU of the second half.
///
/// If the processor multiplies half precision faster, a weight in bf16 is multiplied with rounded inputs.
pub(crate) fn linear(isa: Isa, x: &[Matrix], weight: &Weight, bias: &[f32], gated: bool) -> Vec<f32> {
    let [inputs, outputs] = weight.sizes;
    assert!(x.iter().all(|x| x.sizes[1] == inputs) && bias.len() == outputs, "{:?}", weight.sizes);
    let fits = matches!(weight.places, Places::Apart(_)) || Panels::fit(isa, outputs) && !gated;
    assert!(fits, "{outputs} outputs of a packed weight do not fill its panels");
    if let Some(weight) = weight.pairs().filter(|_| isa.has_pairs()) {
        if isa.tiles().is_some() {
            return Product { isa, x, bias, pairs: true }.multiply(weight, gated);
        }
        let pairs = narrowed(isa, x, inputs / 2);
        let rows = x.iter().map(|x| x.sizes[0]).sum();
        let x = Matrix::new(&pairs, [rows, inputs / 2], [inputs / 2, 1]);
        return Product { isa, x: &[x], bias, pairs: true }.multiply(weight, gated);
    }
    let values;
    let weight = match weight.places {
        Places::Apart(apart) => Factor::Matrix(Matrix::of_weights(weight.values, weight.sizes, apart)),
        Places::Panels => {
            values = weight.values.widened();
            Factor::Panels(Panels::new(&values, weight.sizes))
        }
    };
    Product { isa, x, bias, pairs: false }.multiply(weight, gated)
}

/// A product of the rows with a weight in any layout.
struct Product<'a> {
    isa: Isa,
    x: &'a [Matrix<'a>],
    bias: &'a [f32],
    /// Whether the weight has pairs. So have the rows, unless there are tiles, into which values are rounded.
    pairs: bool,
}

impl Product<'_> {
    fn multiply(&self, weight: Factor, gated: bool) -> Vec<f32> {
        let (isa, outputs) = (self.isa, self.bias.len());
        match weight {
            Factor::Matrix(weight) if gated => {
                self.write(&Gated(weight), &Columns::gated(isa, outputs / 2), outputs / 2)
            }
            Factor::Matrix(weight) => self.write(&weight, &Columns::panels(isa, 1, outputs, 0), outputs),
            Factor::Panels(weight) => self.write(&weight, &Columns::panels(isa, 1, outputs, 0), outputs),
        }
    }

    fn write<R: Right>(&self, right: &R, columns: &[Columns], outputs: usize) -> Vec<f32> {
        let count = self.x.iter().map(|x| x.sizes[0] * outputs).sum();
        let mut out: Vec<f32> = Vec::with_capacity(count);
        let mut start = 0;
        for &left in self.x {
            let count = left.sizes[0] * outputs;
            let bias = Bias::OfColumns(self.bias);
            let product = Gemm { left, right, columns, bias, out_row: outputs, pairs: self.pairs };
            // SAFETY: the rows of this matrix are behind those of the matrices before.
            let out = Shared(unsafe { out.as_mut_ptr().add(start) });
            match self.isa.tiles().filter(|_| self.pairs) {
                Some(tiles) => product.write_in_tiles(tiles, &out, count),
                None => product.write(self.isa, &out, count),
            }
            start += count;
        }
        // SAFETY: all columns of all rows were written.
        unsafe { out.set_len(count) };
        out
    }
}

/// Returns all rows rounded to pairs, `pairs` each.
fn narrowed(isa: Isa, x: &[Matrix], pairs: usize) -> Vec<f32> {
    let rows = x.iter().map(|x| x.sizes[0]).sum::<usize>();
    let mut out = vec![0.0; rows * pairs];
    let mut rest = &mut out[..];
    for x in x {
        let (here, others) = rest.split_at_mut(x.sizes[0] * pairs);
        here.par_chunks_mut((ROWS * pairs).max(1)).enumerate().for_each(|(i, to)| {
            let rows = ROWS * i..(ROWS * (i + 1)).min(x.sizes[0]);
            isa.run(Narrow { x, rows, to });
        });
        rest = others;
    }
    out
}

/// Rounds some rows of a matrix to pairs.
struct Narrow<'a> {
    x: &'a Matrix<'a>,
    rows: Range<usize>,
    to: &'a mut [f32],
}

impl Job for Narrow<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let (count, inputs, mut memory) = (self.rows.len(), self.x.sizes[1], Vec::new());
        let (lines, apart) = self.x.lines::<V>(self.rows, 0..inputs, &mut memory);
        for row in 0..count {
            let (from, to) = (&lines[row * apart..][..inputs], &mut self.to[row * inputs / 2..][..inputs / 2]);
            narrow::<V>(from, to);
        }
    }
}
