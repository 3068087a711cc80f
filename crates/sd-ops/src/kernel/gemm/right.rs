use std::ops::Range;

use crate::kernel::simd::Vector;

/// The right matrix of a product, `[terms, columns]`.
pub(in crate::kernel) trait Right: Sync {
    /// Whether the second vector of each panel holds the gates of the first, and what goes out is their GEGLU: one vector.
    const GATED: bool = false;

    /// Puts some terms of `count` columns into a panel, `[terms, two vectors]`; what lies beyond the columns is left.
    fn pack<V: Vector>(&self, terms: Range<usize>, first: usize, count: usize, panel: &mut [f32]);

    /// Those terms: what `packed` begins with, if they do not lie ready.
    #[inline(always)]
    fn panel<'p, V: Vector>(&'p self, _terms: Range<usize>, _first: usize, packed: &'p [f32]) -> &'p [f32] {
        packed
    }
}
