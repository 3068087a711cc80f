use std::ops::Range;

use half::bf16;

use super::right::Right;
use crate::kernel::simd::{Vector, transpose};
use crate::kernel::weight_slice::WeightSlice;

/// Terms of a panel that are widened at a time: those of two vectors of columns stay in the L1 cache.
const WIDENED: usize = 64;

/// A matrix with any strides. What is not in single precision is widened where it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: WeightSlice<'a>,
    /// The numbers of rows and columns.
    pub sizes: [usize; 2],
    /// The distances between rows and between columns.
    apart: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// # Panics
    ///
    /// Panics if the last value is beyond the end of the slice.
    pub fn new(values: &'a [f32], sizes: [usize; 2], apart: [usize; 2]) -> Self {
        Self::of_weights(WeightSlice::F32(values), sizes, apart)
    }

    /// Returns a matrix in the precision of its weights.
    ///
    /// # Panics
    ///
    /// As [`Matrix::new`].
    pub fn of_weights(values: WeightSlice<'a>, sizes: [usize; 2], apart: [usize; 2]) -> Self {
        let last: usize = sizes.iter().zip(apart).map(|(size, apart)| size.saturating_sub(1) * apart).sum();
        assert!(
            sizes.contains(&0) || last < values.len(),
            "a matrix {sizes:?} with strides {apart:?} exceeds its {} values",
            values.len()
        );
        Self { values, sizes, apart }
    }

    /// Returns some columns of some rows as contiguous lines, and the distance between lines. They are copied to `memory` if
    /// they are not contiguous already, or not in single precision.
    #[inline(always)]
    pub fn lines<'m, V: Vector>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        memory: &'m mut Vec<f32>,
    ) -> (&'m [f32], usize)
    where
        'a: 'm,
    {
        let [row, column] = self.apart;
        if columns.is_empty() {
            return (&[], 0);
        }
        let start = rows.start * row + columns.start * column;
        if let (WeightSlice::F32(values), 1) = (self.values, column) {
            return (&values[start..], row);
        }
        let (count, length) = (rows.len(), columns.len());
        memory.resize(count * length, 0.0);
        if let WeightSlice::F32(values) = self.values {
            transpose::<V>(&values[start..], [column, row], [length, count], memory, length);
        } else {
            for (i, line) in memory.chunks_exact_mut(length).enumerate() {
                self.widen(start + i * row, column, line);
            }
        }
        (memory, length)
    }

    /// Returns some columns of a row if they are contiguous and in bf16.
    pub fn half_line(&self, row: usize, columns: Range<usize>) -> Option<&'a [bf16]> {
        match (self.values, self.apart) {
            (WeightSlice::Bf16(values), [apart, 1]) => {
                Some(&values[row * apart + columns.start..row * apart + columns.end])
            }
            _ => None,
        }
    }

    /// Writes the values at `start`, `start + apart` and so on in single precision.
    #[inline(always)]
    fn widen(&self, start: usize, apart: usize, to: &mut [f32]) {
        if apart == 1 {
            return self.values.widen(start, to);
        }
        for (i, to) in to.iter_mut().enumerate() {
            self.values.widen(start + i * apart, std::slice::from_mut(to));
        }
    }

    /// [`Right::pack`] for what is not in single precision. `start` is the place of the first value.
    #[inline(always)]
    fn pack_widened<V: Vector>(&self, start: usize, [terms, count]: [usize; 2], panel: &mut [f32]) {
        let ([row, column], pair) = (self.apart, 2 * V::LANES);
        if column == 1 {
            for (k, to) in panel.chunks_exact_mut(pair).take(terms).enumerate() {
                self.widen(start + k * row, 1, &mut to[..count]);
            }
            return;
        }
        let mut wide = [0.0; 2 * 16 * WIDENED];
        for (k, panel) in panel.chunks_mut(WIDENED * pair).enumerate().take(terms.div_ceil(WIDENED)) {
            let here = WIDENED.min(terms - k * WIDENED);
            for (n, to) in wide.chunks_exact_mut(WIDENED).take(count).enumerate() {
                self.widen(start + k * WIDENED * row + n * column, row, &mut to[..here]);
            }
            transpose::<V>(&wide, [WIDENED, 1], [count, here], panel, pair);
        }
    }
}

impl Right for Matrix<'_> {
    #[inline(always)]
    fn pack<V: Vector>(&self, terms: Range<usize>, first: usize, count: usize, panel: &mut [f32]) {
        let ([row, column], pair) = (self.apart, 2 * V::LANES);
        let start = terms.start * row + first * column;
        if terms.is_empty() || start >= self.values.len() {
            return;
        }
        let WeightSlice::F32(values) = self.values else {
            return self.pack_widened::<V>(start, [terms.len(), count], panel);
        };
        let from = &values[start..];
        if column != 1 {
            transpose::<V>(from, [column, row], [count, terms.len()], panel, pair);
            return;
        }
        for k in 0..terms.len() {
            let (from, to) = (&from[k * row..][..count], &mut panel[k * pair..][..count]);
            // A copy of constant length is inlined.
            match count {
                32 => to[..32].copy_from_slice(&from[..32]),
                16 => to[..16].copy_from_slice(&from[..16]),
                8 => to[..8].copy_from_slice(&from[..8]),
                _ => to.copy_from_slice(from),
            }
        }
    }
}
