use std::ops::Range;

use crate::{Image, UpscaleError};

/// An image that is made of overlapping tiles, row of tiles by row of tiles: only the rows that are not yet complete are kept
/// as numbers.
#[derive(Debug)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    /// The sums of the rows from `top` on, three values for each pixel.
    sums: Vec<f32>,
    top: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, sums: Vec::new(), top: 0, rgb: Vec::with_capacity(3 * width * height) }
    }

    /// Adds a tile at `left` and `top`: planes of red, green and blue, from 0 to 1, of which each pixel counts by the shares of its
    /// row and its column. What lies beyond the image is dropped.
    ///
    /// # Errors
    ///
    /// [`UpscaleError::NotFinite`] for values that are not finite.
    pub fn add(
        &mut self,
        planes: &[f32],
        [left, top]: [usize; 2],
        columns: &[f32],
        rows: &[f32],
    ) -> Result<(), UpscaleError> {
        if planes.iter().any(|value| !value.is_finite()) {
            return Err(UpscaleError::NotFinite);
        }
        let (wide, high) = (columns.len(), rows.len().min(self.height - top));
        let end = top + high - self.top;
        if self.sums.len() < 3 * self.width * end {
            self.sums.resize(3 * self.width * end, 0.0);
        }
        for (y, row) in rows.iter().enumerate().take(high) {
            let start = 3 * ((top - self.top + y) * self.width + left);
            let sums = &mut self.sums[start..start + 3 * wide.min(self.width - left)];
            for (x, (pixel, column)) in sums.chunks_exact_mut(3).zip(columns).enumerate() {
                for (part, sum) in pixel.iter_mut().enumerate() {
                    *sum += row * column * planes[(part * rows.len() + y) * wide + x];
                }
            }
        }
        Ok(())
    }

    /// Turns all rows above `row` into bytes: no more tiles reach into them.
    pub fn finish_above(&mut self, row: usize) {
        let row = row.min(self.height);
        let done = 3 * self.width * (row - self.top);
        let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round_ties_even() as u8;
        self.rgb.extend(self.sums.drain(..done).map(byte));
        self.top = row;
    }

    /// The image, once all its tiles are added.
    pub fn into_image(mut self) -> Image {
        self.finish_above(self.height);
        Image { width: self.width, height: self.height, rgb: self.rgb }
    }
}

/// Returns part of an image as planes of red, green and blue, from 0 to 1. Pixels beyond the image are mirrored at its edges.
pub(crate) fn planes(image: &Image, columns: Range<usize>, rows: Range<usize>) -> Vec<f32> {
    let mut values = Vec::with_capacity(3 * columns.len() * rows.len());
    for part in 0..3 {
        for y in rows.clone() {
            let row = mirrored(y, image.height) * image.width;
            let byte = |x| image.rgb[3 * (row + mirrored(x, image.width)) + part];
            values.extend(columns.clone().map(|x| f32::from(byte(x)) / 255.0));
        }
    }
    values
}

/// The index of a pixel on an axis that goes back and forth between the first and the last one.
fn mirrored(index: usize, length: usize) -> usize {
    let last = length - 1;
    match index % (2 * last).max(1) {
        _ if last == 0 => 0,
        index if index <= last => index,
        index => 2 * last - index,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_edge_an_image_is_mirrored() {
        let indices = |length| (0..7).map(|index| mirrored(index, length)).collect::<Vec<_>>();
        assert_eq!(indices(4), [0, 1, 2, 3, 2, 1, 0]);
        assert_eq!(indices(2), [0, 1, 0, 1, 0, 1, 0]);
        assert_eq!(indices(1), [0; 7]);
    }

    #[test]
    fn an_image_cut_into_tiles_is_the_same_again() {
        let bytes = (0..3 * 7 * 5).map(|i| (i * 37 % 256) as u8).collect();
        let image = Image { width: 7, height: 5, rgb: bytes };
        let mut canvas = Canvas::new(7, 5);
        for (rows, row_shares) in [(0..4, [1.0, 1.0, 0.75, 0.25]), (2..6, [0.25, 0.75, 1.0, 1.0])] {
            canvas.finish_above(rows.start);
            for (columns, column_shares) in [(0..5, [1.0, 1.0, 1.0, 0.5, 0.5]), (3..8, [0.5, 0.5, 1.0, 1.0, 1.0])] {
                let at = [columns.start, rows.start];
                canvas.add(&planes(&image, columns, rows.clone()), at, &column_shares, &row_shares).unwrap();
            }
        }
        assert_eq!(canvas.into_image(), image);
    }
}
