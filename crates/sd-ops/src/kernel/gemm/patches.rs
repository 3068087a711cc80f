use std::ops::Range;

use super::Right;
use crate::kernel::padded::Padded;
use crate::kernel::vector::Vector;
use crate::kernel::window::Window;

/// What a convolution multiplies its weights with: a column for each output pixel of each picture, with the pixels that it
/// reads of each channel.
pub(in crate::kernel) struct Patches<'a> {
    padded: &'a Padded<'a>,
    /// Where the first pixel of each column lies.
    places: Vec<usize>,
    /// Columns that lie beside each other.
    run: usize,
}

impl<'a> Patches<'a> {
    /// `padded` has all pictures.
    pub fn new(window: &Window, padded: &'a Padded<'a>) -> Self {
        let width = window.out[1];
        let of_picture = |n: usize| (0..window.pixels()).map(move |pixel| padded.place(n, pixel, width));
        let places: Vec<usize> = (0..window.batch).flat_map(of_picture).collect();
        let furthest = padded.offsets.iter().max().copied().unwrap_or(0);
        assert!(furthest + places.iter().max().copied().unwrap_or(0) < padded.numbers.len(), "{window:?}");
        Self { padded, places, run: padded.run }
    }
}

impl Right for Patches<'_> {
    #[inline(always)]
    fn pack<V: Vector>(&self, terms: Range<usize>, first: usize, count: usize, panel: &mut [f32]) {
        let pair = 2 * V::LANES;
        let places = &self.places[first..][..count];
        if self.run.is_multiple_of(16) {
            self.gather::<16>(terms, places, panel, pair);
        } else if self.run.is_multiple_of(8) {
            self.gather::<8>(terms, places, panel, pair);
        } else if self.run.is_multiple_of(4) {
            self.gather::<4>(terms, places, panel, pair);
        } else {
            self.gather::<1>(terms, places, panel, pair);
        }
    }
}

impl Patches<'_> {
    /// Copies runs of at most `RUN` columns, which the places begin a multiple of.
    #[inline(always)]
    fn gather<const RUN: usize>(&self, terms: Range<usize>, places: &[usize], panel: &mut [f32], pair: usize) {
        let numbers = self.padded.numbers;
        for (&offset, to) in self.padded.offsets[terms].iter().zip(panel.chunks_exact_mut(pair)) {
            for (places, to) in places.chunks(RUN).zip(to.chunks_mut(RUN)) {
                let count = places.len();
                let from = &numbers[offset + places[0]..][..count];
                if count == RUN && to.len() == RUN {
                    to.copy_from_slice(&from[..RUN]);
                } else {
                    to[..count].copy_from_slice(from);
                }
            }
        }
    }
}
