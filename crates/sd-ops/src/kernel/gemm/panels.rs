use std::ops::Range;

use rayon::prelude::*;

use super::right::Right;
use crate::kernel::simd::{Isa, Job, Vector, transpose};

/// A matrix in panels, one behind the other. A panel has all rows of two vectors of columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panels<'a> {
    values: &'a [f32],
    /// The numbers of rows and columns.
    sizes: [usize; 2],
}

impl<'a> Panels<'a> {
    /// # Panics
    ///
    /// Panics unless the number of values is the product of the sizes.
    pub fn new(values: &'a [f32], sizes: [usize; 2]) -> Self {
        assert_eq!(values.len(), sizes[0] * sizes[1], "{sizes:?}");
        Self { values, sizes }
    }

    /// Returns whether so many columns fill whole panels.
    pub fn fit(isa: Isa, columns: usize) -> bool {
        columns.is_multiple_of(2 * isa.lanes())
    }

    /// Rearranges a matrix in column-major order into panels, in place.
    ///
    /// # Panics
    ///
    /// Panics unless the columns have `rows` values and [`fit`](Self::fit).
    pub fn pack(isa: Isa, values: &mut [f32], rows: usize) {
        if values.is_empty() {
            return;
        }
        let panel = 2 * isa.lanes() * rows;
        assert!(values.len().is_multiple_of(panel), "{} values do not fill panels of {rows} rows", values.len());
        values.par_chunks_exact_mut(panel).for_each(|panel| isa.run(Pack { panel, rows }));
    }
}

impl Right for Panels<'_> {
    const IN_PANELS: bool = true;

    #[inline(always)]
    fn pack<V: Vector>(&self, _terms: Range<usize>, _first: usize, _count: usize, _panel: &mut [f32]) {}

    #[inline(always)]
    fn panel<'p, V: Vector>(&'p self, terms: Range<usize>, first: usize, _packed: &'p [f32]) -> &'p [f32] {
        let pair = 2 * V::LANES;
        assert!(first.is_multiple_of(pair), "column {first}");
        &self.values[first * self.sizes[0]..][terms.start * pair..terms.end * pair]
    }
}

/// Turns the columns of a panel into its rows.
struct Pack<'a> {
    panel: &'a mut [f32],
    rows: usize,
}

impl Job for Pack<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let columns = self.panel.to_vec();
        transpose::<V>(&columns, [self.rows, 1], [2 * V::LANES, self.rows], self.panel, 2 * V::LANES);
    }
}
