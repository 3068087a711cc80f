use std::ops::Range;

use rayon::prelude::*;

use super::Right;
use crate::kernel::lanes::transpose;
use crate::kernel::vector::{Job, Level, Vector};

/// A matrix that lies in panels, one behind the other: of each all rows, of two vectors of columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panels<'a> {
    numbers: &'a [f32],
    /// Rows and columns.
    sizes: [usize; 2],
}

impl<'a> Panels<'a> {
    /// # Panics
    ///
    /// Panics unless there are as many numbers as the sizes say.
    pub fn new(numbers: &'a [f32], sizes: [usize; 2]) -> Self {
        assert_eq!(numbers.len(), sizes[0] * sizes[1], "{sizes:?}");
        Self { numbers, sizes }
    }

    /// Whether so many columns fill their panels.
    pub fn fit(level: Level, columns: usize) -> bool {
        columns.is_multiple_of(2 * level.lanes())
    }

    /// Puts a matrix whose columns lie one behind the other into panels, where it lies.
    ///
    /// # Panics
    ///
    /// Panics unless the columns are of `rows` numbers and [`fit`](Self::fit).
    pub fn pack(level: Level, numbers: &mut [f32], rows: usize) {
        if numbers.is_empty() {
            return;
        }
        let panel = 2 * level.lanes() * rows;
        assert!(numbers.len().is_multiple_of(panel), "{} numbers in panels of {rows} rows", numbers.len());
        numbers.par_chunks_exact_mut(panel).for_each(|panel| level.run(Pack { panel, rows }));
    }
}

impl Right for Panels<'_> {
    #[inline(always)]
    fn pack<V: Vector>(&self, _terms: Range<usize>, _first: usize, _count: usize, _panel: &mut [f32]) {}

    #[inline(always)]
    fn panel<'p, V: Vector>(&'p self, terms: Range<usize>, first: usize, _packed: &'p [f32]) -> &'p [f32] {
        let pair = 2 * V::LANES;
        assert!(first.is_multiple_of(pair), "column {first}");
        &self.numbers[first * self.sizes[0]..][terms.start * pair..terms.end * pair]
    }
}

/// The columns of a panel, which become its rows.
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
