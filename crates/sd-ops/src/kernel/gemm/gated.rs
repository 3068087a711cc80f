use std::ops::Range;

use super::matrix::Matrix;
use super::right::Right;
use crate::kernel::simd::Vector;

/// A matrix whose second half of columns are the gates of the first half.
pub(in crate::kernel) struct Gated<'a>(pub Matrix<'a>);

impl Right for Gated<'_> {
    const GATED: bool = true;

    #[inline(always)]
    fn pack<V: Vector>(&self, terms: Range<usize>, first: usize, count: usize, panel: &mut [f32]) {
        let width = self.0.sizes[1] / 2;
        self.0.pack::<V>(terms.clone(), first, count, panel);
        self.0.pack::<V>(terms, width + first, count, &mut panel[V::LANES..]);
    }
}
