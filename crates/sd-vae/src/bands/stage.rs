use std::ops::Range;

use super::Rows;

/// How the rows of a map are computed from those of the map before it.
pub(crate) struct Stage<'a> {
    /// Channels of its widest tensor.
    pub channels: usize,
    size: Size,
    /// Rows above and below that an output depends on, in rows of the output.
    halo: usize,
    forward: Box<dyn Fn(Rows) -> Rows + 'a>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Same,
    Doubled,
    Halved,
}

impl<'a> Stage<'a> {
    /// A stage that keeps the size.
    pub fn new(channels: usize, halo: usize, forward: impl Fn(Rows) -> Rows + 'a) -> Self {
        Self { channels, size: Size::Same, halo, forward: Box::new(forward) }
    }

    /// The stage on a map with each row and column twice.
    #[must_use]
    pub fn upsampled(self) -> Self {
        Self { size: Size::Doubled, ..self }
    }

    /// A stage that halves the size.
    pub fn halving(channels: usize, halo: usize, forward: impl Fn(Rows) -> Rows + 'a) -> Self {
        Self { channels, size: Size::Halved, halo, forward: Box::new(forward) }
    }

    /// Returns the size of the output.
    pub fn size(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        match self.size {
            Size::Same => [height, width],
            Size::Doubled => [2 * height, 2 * width],
            Size::Halved => [height / 2, width / 2],
        }
    }

    /// Returns the rows of the input that rows of the output depend on, which may be beyond the map.
    pub fn reads(&self, rows: Range<isize>) -> Range<isize> {
        let Range { start, end } = self.around(rows);
        match self.size {
            Size::Same => start..end,
            Size::Doubled => start.div_euclid(2)..(end + 1).div_euclid(2),
            Size::Halved => 2 * start..2 * end,
        }
    }

    /// Returns rows of the output, given those that they depend on.
    pub fn run(&self, rows: Range<isize>, x: Rows) -> Rows {
        let x = match self.size {
            Size::Doubled => x.upsample_within(&self.around(rows.clone())),
            _ => x,
        };
        (self.forward)(x).crop(rows)
    }

    fn around(&self, rows: Range<isize>) -> Range<isize> {
        rows.start - self.halo as isize..rows.end + self.halo as isize
    }
}
