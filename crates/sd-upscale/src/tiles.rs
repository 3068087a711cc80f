use std::ops::Range;

/// Pixels of the input at a tile's inner edge whose output is not used: zeros beyond the edge have changed it most.
pub(crate) const MARGIN: usize = 32;
/// Pixels of the input over which a tile passes into the next.
pub(crate) const RAMP: usize = 32;
/// Pixels of the input that two neighbours share at least.
pub(crate) const OVERLAP: usize = 2 * MARGIN + RAMP;

/// The tiles along one axis of an image, all of one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tiles {
    starts: Vec<usize>,
    length: usize,
}

impl Tiles {
    /// One tile for the whole axis.
    pub fn whole(side: usize) -> Self {
        Self { starts: vec![0], length: side }
    }

    /// As few tiles as possible of at most `longest` pixels, and as short as the overlap allows. Starts and length are multiples
    /// of `multiple`, and so must be `side` and `longest`.
    pub fn new(side: usize, longest: usize, multiple: usize) -> Self {
        if side <= longest {
            return Self::whole(side);
        }
        let overlap = OVERLAP.next_multiple_of(multiple);
        let count = (side - overlap).div_ceil(longest - overlap);
        let length = (side + (count - 1) * overlap).div_ceil(count).next_multiple_of(multiple);
        let start = |i: usize| i * (side - length) / (count - 1) / multiple * multiple;
        Self { starts: (0..count).map(start).collect(), length }
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    pub fn length(&self) -> usize {
        self.length
    }

    /// The pixels of each tile.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.starts.iter().map(|start| *start..start + self.length)
    }

    /// The share that tile `i` has in each of its output pixels at a scale. The shares of all tiles in a pixel sum to one.
    pub fn shares(&self, i: usize, scale: usize) -> Vec<f32> {
        let start = self.starts[i];
        let place = |output: usize| start as f64 + (output as f64 + 0.5) / scale as f64;
        (0..self.length * scale).map(|at| (self.passed(i, place(at)) - self.passed(i + 1, place(at))) as f32).collect()
    }

    /// How far a place has passed into tile `i`, from 0 to 1.
    fn passed(&self, i: usize, place: f64) -> f64 {
        match self.starts.get(i) {
            _ if i == 0 => 1.0,
            None => 0.0,
            Some(start) => {
                let middle = (start + self.starts[i - 1] + self.length) as f64 / 2.0;
                ((place - middle) / RAMP as f64 + 0.5).clamp(0.0, 1.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_side_and_share_each_pixel() {
        for (side, longest, multiple) in
            [(200, 128, 1), (1000, 256, 1), (1024, 512, 4), (513, 512, 1), (128, 128, 2), (5, 128, 1)]
        {
            let tiles = Tiles::new(side, longest, multiple);
            assert!(tiles.length() <= longest, "{tiles:?}");
            let ranges: Vec<_> = tiles.ranges().collect();
            assert_eq!((ranges[0].start, ranges[tiles.len() - 1].end), (0, side));
            assert!(ranges.iter().all(|range| range.start.is_multiple_of(multiple)));
            assert!(ranges.windows(2).all(|pair| pair[0].end >= pair[1].start + OVERLAP), "{ranges:?}");
            let scale = 4;
            let mut sums = vec![0.0; side * scale];
            for (i, range) in ranges.iter().enumerate() {
                let shares = tiles.shares(i, scale);
                let inner = MARGIN * scale;
                assert!(i == 0 || shares[..inner].iter().all(|share| *share == 0.0), "margins are not used");
                for (sum, share) in sums[range.start * scale..].iter_mut().zip(shares) {
                    *sum += share;
                }
            }
            assert!(sums.iter().all(|sum: &f32| (sum - 1.0).abs() < 1e-6), "{side}");
        }
    }

    #[test]
    fn a_tile_is_not_longer_than_needed() {
        assert_eq!(Tiles::new(256, 192, 1), Tiles { starts: vec![0, 80], length: 176 });
        assert_eq!(Tiles::new(64, 192, 1), Tiles::whole(64));
    }
}
