#![expect(unsafe_code, reason = "vector loads and stores within arrays of two vectors")]

use std::ops::Range;

use super::padded::Padded;
use super::window::Window;
use crate::kernel::gemm::Right;
use crate::kernel::simd::Vector;

/// The right matrix of a convolution: a column for each output pixel of each image, which holds the pixels that the output
/// reads.
pub(super) struct Patches<'a> {
    padded: &'a Padded<'a>,
    /// The place of the first pixel of each column.
    places: Vec<usize>,
    /// The number of contiguous columns.
    run: usize,
    /// Whether two terms form a pair.
    pairs: bool,
}

impl<'a> Patches<'a> {
    /// `padded` has all images. With `pairs` two terms form a pair, and the number of terms must be even.
    pub fn new(window: &Window, padded: &'a Padded<'a>, pairs: bool) -> Self {
        assert!(!pairs || window.terms().is_multiple_of(2), "{window:?}");
        let width = window.out[1];
        let image_places = |n: usize| (0..window.pixels()).map(move |pixel| padded.place(n, pixel, width));
        let places: Vec<usize> = (0..window.batch).flat_map(image_places).collect();
        let furthest = padded.offsets.iter().max().copied().unwrap_or(0);
        assert!(furthest + places.iter().max().copied().unwrap_or(0) < padded.values.len(), "{window:?}");
        Self { padded, places, run: padded.run, pairs }
    }
}

impl Right for Patches<'_> {
    #[inline(always)]
    fn pack<V: Vector>(&self, terms: Range<usize>, first: usize, count: usize, panel: &mut [f32]) {
        let places = &self.places[first..][..count];
        if self.run.is_multiple_of(16) {
            self.pack_runs::<V, 16>(terms, places, panel);
        } else if self.run.is_multiple_of(8) {
            self.pack_runs::<V, 8>(terms, places, panel);
        } else if self.run.is_multiple_of(4) {
            self.pack_runs::<V, 4>(terms, places, panel);
        } else {
            self.pack_runs::<V, 1>(terms, places, panel);
        }
    }
}

impl Patches<'_> {
    /// Packs columns in runs of `RUN`, which are contiguous.
    #[inline(always)]
    fn pack_runs<V: Vector, const RUN: usize>(&self, terms: Range<usize>, places: &[usize], panel: &mut [f32]) {
        if self.pairs {
            return self.pack_pairs::<V, RUN>(terms, places, panel);
        }
        for (&offset, to) in self.padded.offsets[terms].iter().zip(panel.chunks_exact_mut(2 * V::LANES)) {
            self.foresee::<V>(offset + places[0]);
            self.gather::<RUN>(offset, places, to);
        }
    }

    /// Packs pairs of terms of columns in runs of `RUN`.
    #[inline(always)]
    fn pack_pairs<V: Vector, const RUN: usize>(&self, terms: Range<usize>, places: &[usize], panel: &mut [f32]) {
        let pair = 2 * V::LANES;
        let is_direct = RUN >= V::LANES && places.len() == pair;
        let mut both = [[0.0; 32]; 2];
        let offsets = &self.padded.offsets[2 * terms.start..2 * terms.end];
        for (offsets, to) in offsets.as_chunks::<2>().0.iter().zip(panel.chunks_exact_mut(pair)) {
            for i in 0..2 {
                self.foresee::<V>(offsets[i] + places[0]);
                if !is_direct {
                    self.gather::<RUN>(offsets[i], places, &mut both[i][..pair]);
                }
            }
            for half in [0, V::LANES] {
                // SAFETY: two vectors have at most 32 values, and `to` has two vectors. If a run is as long as a vector, all
                // pixels of one are beside each other, and `new` has checked the last place.
                unsafe {
                    let from = self.padded.values.as_ptr().add(places[if is_direct { half } else { 0 }]);
                    let mut sources = [from.add(offsets[0]), from.add(offsets[1])];
                    if !is_direct {
                        sources = [both[0].as_ptr().add(half), both[1].as_ptr().add(half)];
                    }
                    V::load(sources[0]).pair(V::load(sources[1])).store(to.as_mut_ptr().add(half));
                }
            }
        }
    }

    /// Prefetches the next panel's pixels behind those at `place`. They are far apart, so that the processor does not foresee
    /// them.
    #[inline(always)]
    fn foresee<V: Vector>(&self, place: usize) {
        let next = self.padded.values.as_ptr().wrapping_add(place + 2 * V::LANES);
        V::prefetch(next);
        V::prefetch(next.wrapping_add(V::LANES));
    }

    /// Copies one term of the columns.
    #[inline(always)]
    fn gather<const RUN: usize>(&self, offset: usize, places: &[usize], to: &mut [f32]) {
        for (places, to) in places.chunks(RUN).zip(to.chunks_mut(RUN)) {
            let count = places.len();
            let from = &self.padded.values[offset + places[0]..][..count];
            if count == RUN && to.len() == RUN {
                to.copy_from_slice(&from[..RUN]);
            } else {
                to[..count].copy_from_slice(from);
            }
        }
    }
}
