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

    /// Writes a matrix in column-major order as panels.
    ///
    /// # Panics
    ///
    /// Panics unless the columns have `rows` values and [`fit`](Self::fit), and `to` has as many values.
    pub fn pack(isa: Isa, columns: &[f32], rows: usize, to: &mut [f32]) {
        assert_eq!(columns.len(), to.len());
        if to.is_empty() {
            return;
        }
        let panel = 2 * isa.lanes() * rows;
        assert!(to.len().is_multiple_of(panel), "{} values do not fill panels of {rows} rows", to.len());
        let panels = to.par_chunks_exact_mut(panel).zip(columns.par_chunks_exact(panel));
        panels.for_each(|(panel, columns)| isa.run(Pack { columns, rows, panel }));
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
    columns: &'a [f32],
    rows: usize,
    panel: &'a mut [f32],
}

impl Job for Pack<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        transpose::<V>(self.columns, [self.rows, 1], [2 * V::LANES, self.rows], self.panel, 2 * V::LANES);
    }
}
