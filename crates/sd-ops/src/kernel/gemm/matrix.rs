use std::ops::Range;

use super::right::Right;
use crate::kernel::simd::{Vector, transpose};

/// A matrix with any strides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
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
        let last: usize = sizes.iter().zip(apart).map(|(size, apart)| size.saturating_sub(1) * apart).sum();
        assert!(
            sizes.contains(&0) || last < values.len(),
            "a matrix {sizes:?} with strides {apart:?} exceeds its {} values",
            values.len()
        );
        Self { values, sizes, apart }
    }

    /// Returns some columns of some rows as contiguous lines, and the distance between lines. They are copied to `memory` if
    /// they are not contiguous already.
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
        let from = &self.values[rows.start * row + columns.start * column..];
        if column == 1 {
            return (from, row);
        }
        memory.resize(rows.len() * columns.len(), 0.0);
        transpose::<V>(from, [column, row], [columns.len(), rows.len()], memory, columns.len());
        (memory, columns.len())
    }
}

impl Right for Matrix<'_> {
    #[inline(always)]
    fn pack<V: Vector>(&self, terms: Range<usize>, first: usize, count: usize, panel: &mut [f32]) {
        let ([row, column], pair) = (self.apart, 2 * V::LANES);
        let Some(from) = self.values.get(terms.start * row + first * column..).filter(|_| !terms.is_empty()) else {
            return;
        };
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
