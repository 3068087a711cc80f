use super::window::Window;
use crate::kernel::gemm::Matrix;
use crate::kernel::weight_slice::WeightSlice;

/// The weights of a convolution, at `start + o·outputs + i·inputs + y·rows + x·columns`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weights<'a> {
    pub values: WeightSlice<'a>,
    pub start: usize,
    pub outputs: isize,
    pub inputs: isize,
    pub rows: isize,
    pub columns: isize,
}

impl<'a> Weights<'a> {
    /// Returns whether an output's weights are contiguous and in the order of its terms.
    pub fn are_in_order(&self, window: &Window) -> bool {
        let [height, width] = window.kernel.map(|edge| edge as isize);
        self.outputs >= 0 && [self.inputs, self.rows, self.columns] == [height * width, width, 1]
    }

    /// Returns weights in bf16 as a matrix `[outputs, pairs of terms]`, if their memory allows that.
    pub fn pairs(&self, window: &Window) -> Option<Matrix<'a>> {
        let is_even = |n: usize| n.is_multiple_of(2);
        let (outputs, terms) = (self.outputs as usize, window.terms());
        let pairs = self.values.pairs().filter(|_| [self.start, outputs, terms].into_iter().all(is_even))?;
        Some(Matrix::new(&pairs[self.start / 2..], [window.outputs, terms / 2], [outputs / 2, 1]))
    }

    /// Returns the weights of one output in single precision, widened to `memory` if necessary.
    pub(super) fn output_taps<'m>(&self, output: usize, terms: usize, memory: &'m mut Vec<f32>) -> Taps<'m>
    where
        'a: 'm,
    {
        let Self { start, inputs, rows, columns, .. } = *self;
        let start = start as isize + output as isize * self.outputs;
        if let WeightSlice::F32(values) = self.values {
            return Taps { values, start, inputs, rows, columns };
        }
        memory.resize(terms, 0.0);
        self.values.widen(start as usize, memory);
        Taps { values: memory, start: 0, inputs, rows, columns }
    }
}

/// The weights of an output, at `start + i·inputs + y·rows + x·columns`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taps<'a> {
    pub values: &'a [f32],
    pub start: isize,
    pub inputs: isize,
    pub rows: isize,
    pub columns: isize,
}
