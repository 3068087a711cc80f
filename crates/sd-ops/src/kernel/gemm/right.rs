use std::ops::Range;

use crate::kernel::simd::Vector;

/// The right matrix of a product, `[terms, columns]`.
pub(in crate::kernel) trait Right: Sync {
    /// Whether the second vector of each panel holds the gates of the first. The output is then their GEGLU: one vector.
    const GATED: bool = false;
    /// Whether the matrix itself is in panels.
    const IN_PANELS: bool = false;

    /// Writes some terms of `count` columns to a panel, `[terms, two vectors]`. Lanes beyond the columns stay as they are.
    fn pack<V: Vector>(&self, terms: Range<usize>, first: usize, count: usize, panel: &mut [f32]);

    /// Returns the panel of these terms: the start of `packed`, unless the matrix itself is in panels.
    #[inline(always)]
    fn panel<'p, V: Vector>(&'p self, _terms: Range<usize>, _first: usize, packed: &'p [f32]) -> &'p [f32] {
        packed
    }
}
