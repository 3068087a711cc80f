use std::ops::Range;

use burn::tensor::Tensor;
use sd_ops::{Moments, Wrap, concatenate, return_memory};

use super::band::Band;
use super::{Banding, Rows, Stage};

/// Of large maps, the gaps between rows are returned after so many bands: 0.03 GB with an image of 2048×2048.
const RETURN_AFTER: usize = 16;

/// A feature map of one image, as bands of rows.
#[derive(Debug)]
pub(crate) struct Map {
    /// None where a band is not needed any more.
    bands: Vec<Option<Band>>,
    /// Rows of each band but the last.
    rows: usize,
    size: [usize; 2],
    moments: Option<Moments>,
    /// Groups of the network's norms, if it has any.
    groups: Option<usize>,
    wrap: Wrap,
    banding: Banding,
}

impl Map {
    /// The map of a whole tensor, `[1, channels, height, width]`, for networks with norms of so many groups.
    pub fn new(x: Tensor<4>, groups: Option<usize>, wrap: Wrap, banding: Banding) -> Self {
        let [_, _, height, width] = x.dims();
        let bands = vec![Some(Band::whole(x))];
        Self { bands, rows: height, size: [height, width], moments: None, groups, wrap, banding }
    }

    /// Height and width.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Returns the moments of the whole map.
    ///
    /// # Panics
    ///
    /// Panics for networks without norms.
    pub fn moments(&mut self) -> Moments {
        match &self.moments {
            Some(moments) => moments.clone(),
            None => self.moments_after(&Stage::new(1, 0, |rows| rows)),
        }
    }

    /// Returns the moments of the map that a stage would compute.
    ///
    /// # Panics
    ///
    /// Panics for networks without norms.
    pub fn moments_after(&self, stage: &Stage) -> Moments {
        let groups = self.groups.expect("a network with norms");
        let of_rows = |rows| Moments::of(self.computed(stage, rows), groups);
        self.spans(stage).into_iter().map(of_rows).reduce(Moments::join).expect("a map with rows")
    }

    /// Returns the map that a stage computes. This map's bands are dropped on the way.
    #[must_use]
    pub fn then(mut self, stage: &Stage) -> Self {
        let size = stage.size(self.size);
        let (mut bands, mut moments) = (Vec::new(), None);
        for (band, rows) in self.spans(stage).into_iter().enumerate() {
            let x = self.computed(stage, rows.clone());
            self.drop_before(stage, rows.end);
            let (channels, here) = (x.dims()[1], self.groups.map(|groups| Moments::of(x.clone(), groups)));
            let is_large = channels * size[0] * size[1] >= self.banding.half_from;
            bands.extend(match &here {
                Some(here) if is_large => Band::halved(x, here),
                _ => vec![Band::whole(x)],
            });
            moments = join(moments, here);
            if is_large && band % RETURN_AFTER == 0 {
                return_memory();
            }
        }
        let rows = bands.first().map_or(size[0], Band::height);
        Self { bands: bands.into_iter().map(Some).collect(), rows, size, moments, ..self }
    }

    /// Returns what the last stage computes as one tensor, `[1, channels, height, width]`.
    pub fn finish(mut self, stage: &Stage) -> Tensor<4> {
        let mut parts: Vec<Tensor<4>> = Vec::new();
        return_memory();
        for rows in self.spans(stage) {
            let mut part = self.computed(stage, rows.clone());
            self.drop_before(stage, rows.end);
            // Parts of equal height become one. Many small ones would lie scattered where the map's rows were, and leave no room
            // for the whole image.
            while let Some(above) = parts.pop_if(|above| above.dims()[2] <= part.dims()[2]) {
                part = concatenate(vec![above, part], 2);
            }
            parts.push(part);
        }
        concatenate(parts, 2)
    }

    /// Returns the map as one tensor, `[1, channels, height, width]`.
    pub fn whole(self) -> Tensor<4> {
        let rows = 0..self.size[0] as isize;
        self.read(rows).values
    }

    /// The bands of a stage's output.
    fn spans(&self, stage: &Stage) -> Vec<Range<isize>> {
        let [height, width] = stage.size(self.size);
        let rows = self.banding.band_rows(stage.channels, [height, width]);
        (0..height).step_by(rows).map(|first| first as isize..(first + rows).min(height) as isize).collect()
    }

    fn computed(&self, stage: &Stage, rows: Range<isize>) -> Tensor<4> {
        stage.run(rows.clone(), self.read(stage.reads(rows))).values
    }

    /// Drops the bands that no rows of the stage's output from `first` on depend on.
    fn drop_before(&mut self, stage: &Stage, first: isize) {
        let [height, _] = stage.size(self.size);
        let needed = stage.reads(first..height as isize);
        // The last rows of a map that wraps around read its first ones.
        let again = if self.wrap.y { needed.end - self.size[0] as isize } else { 0 };
        for (i, band) in self.bands.iter_mut().enumerate() {
            let rows = (i * self.rows) as isize..((i + 1) * self.rows) as isize;
            if rows.end <= needed.start && rows.start >= again {
                *band = None;
            }
        }
    }

    /// Returns rows of the map, as far as there are any.
    fn read(&self, rows: Range<isize>) -> Rows {
        let height = self.size[0] as isize;
        let rows = if self.wrap.y { rows } else { rows.start.max(0)..rows.end.min(height) };
        let mut parts = Vec::new();
        let mut row = rows.start;
        while row < rows.end {
            // The rest of one band, or of the rows.
            let place = row.rem_euclid(height) as usize;
            let (band, from) = (place / self.rows, place % self.rows);
            let to = (self.rows.min(self.size[0] - band * self.rows)).min(from + (rows.end - row) as usize);
            parts.push(self.bands[band].as_ref().expect("a band that is still needed").rows(from..to));
            row += (to - from) as isize;
        }
        Rows { values: concatenate(parts, 2), first: rows.start, height: self.size[0], wrap: self.wrap }
    }
}

fn join(all: Option<Moments>, here: Option<Moments>) -> Option<Moments> {
    match (all, here) {
        (Some(all), Some(here)) => Some(all.join(here)),
        (all, here) => all.or(here),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// Returns which rows of a map of 12 are left when the output of a 3×3 convolution is computed up to row 6.
    fn left(half_from: usize, wrap: Wrap) -> Vec<usize> {
        let banding = Banding { values: 0, rows: 4, half_from };
        let x = Tensor::ones([1, 2, 12, 3], &Device::flex());
        let mut map = Map::new(x, Some(1), wrap, banding).then(&Stage::new(2, 0, |rows| rows));
        map.drop_before(&Stage::new(2, 1, |rows| rows), 6);
        (0..12).filter(|row| map.bands[row / map.rows].is_some()).collect()
    }

    #[test]
    fn rows_in_half_precision_are_dropped_one_by_one() {
        assert_eq!(left(0, Wrap::default()), (5..12).collect::<Vec<_>>());
    }

    #[test]
    fn others_are_dropped_by_bands() {
        assert_eq!(left(usize::MAX, Wrap::default()), (4..12).collect::<Vec<_>>());
    }

    #[test]
    fn the_last_rows_of_a_map_that_wraps_around_find_its_first() {
        assert_eq!(left(0, Wrap { x: false, y: true }), [vec![0], (5..12).collect()].concat());
    }
}
