use std::ops::Range;

use crate::kernel::conv::window::Window;

/// Outputs along a tile's edge.
pub(super) const EDGE: usize = 4;
/// Input pixels along a tile's edge.
pub(super) const REACH: usize = 6;
/// Values of a transformed tile.
pub(super) const POINTS: usize = REACH * REACH;

/// Returns the number of tiles of all images.
pub(super) fn count(window: &Window) -> usize {
    let [rows, columns] = grid(window);
    window.batch * rows * columns
}

/// Returns the rows and columns of tiles of an image.
pub(super) fn grid(window: &Window) -> [usize; 2] {
    window.out.map(|edge| edge.div_ceil(EDGE))
}

/// A block of tiles, with the places that they read and write.
///
/// A row of tiles reads a band of six rows of pixels. Bands are copied with zeros around them, so that tiles at an edge are
/// no special case.
pub(super) struct Tiles {
    /// For each band: the image, and the row of its first output.
    bands: Vec<[usize; 2]>,
    /// The number of values in a row of a band.
    pub width: usize,
    /// For each tile: its first value in the bands. The last tile is repeated until its group is full.
    pub sources: Vec<usize>,
    /// For each tile: its first output in the first channel, and how many of its rows and columns are in the image.
    pub outs: Vec<(usize, [usize; 2])>,
    group: usize,
}

impl Tiles {
    pub fn new(window: &Window, tiles: Range<usize>, group: usize) -> Self {
        let [rows, columns] = grid(window);
        let width = EDGE * columns + REACH - EDGE + 2;
        let first_band = tiles.start / columns;
        let bands: Vec<_> =
            (first_band..tiles.end.div_ceil(columns)).map(|band| [band / rows, band % rows * EDGE]).collect();
        let source = |tile: usize| (tile / columns - first_band) * REACH * width + tile % columns * EDGE;
        let out = |tile: usize| {
            let [n, top] = bands[tile / columns - first_band];
            let left = tile % columns * EDGE;
            let inside = [window.out[0] - top, window.out[1] - left].map(|edge| edge.min(EDGE));
            (n * window.outputs * window.pixels() + top * window.out[1] + left, inside)
        };
        let full = tiles.len().next_multiple_of(group);
        let sources = (0..full).map(|i| source((tiles.start + i).min(tiles.end - 1))).collect();
        let outs = tiles.map(out).collect();
        Self { bands, width, sources, outs, group }
    }

    pub fn groups(&self) -> usize {
        self.sources.len() / self.group
    }

    /// Copies the bands of an input channel.
    pub fn fill_bands(&self, window: &Window, x: &[f32], input: usize, to: &mut Vec<f32>) {
        let [height, width] = window.size;
        to.resize(self.bands.len() * REACH * self.width, 0.0);
        // The zeros or skipped pixels at the start of a row, and the number of pixels in it.
        let before = window.before[1];
        let zeros = before.max(0) as usize;
        let skipped = (-before).max(0) as usize;
        let count = width.saturating_sub(skipped).min(self.width.saturating_sub(zeros));
        for (&[n, top], band) in self.bands.iter().zip(to.chunks_exact_mut(REACH * self.width)) {
            let plane = &x[(n * window.inputs + input) * height * width..][..height * width];
            for (i, row) in band.chunks_exact_mut(self.width).enumerate() {
                let y = (top + i) as isize - window.before[0];
                if y < 0 || y as usize >= height || count == 0 {
                    row.fill(0.0);
                    continue;
                }
                row[..zeros].fill(0.0);
                row[zeros..zeros + count].copy_from_slice(&plane[y as usize * width + skipped..][..count]);
                row[zeros + count..].fill(0.0);
            }
        }
    }
}
