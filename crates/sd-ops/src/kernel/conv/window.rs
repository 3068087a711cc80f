use std::ops::Range;

/// The sizes of a convolution, and the place of the first tap of the first output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    /// The number of images.
    pub batch: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    /// Height and width of the output.
    pub out: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// The stride of rows and columns.
    pub stride: usize,
    /// Zeros above and on the left. A negative number skips the first rows or columns.
    pub before: [isize; 2],
    /// Whether the number of images may decide how they are computed, as in training. Otherwise each image has the same bits, however
    /// many others there are.
    pub joint: bool,
}

/// A part of the outputs: all rows of some images, or some rows of one image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chunk {
    pub images: Range<usize>,
    pub rows: Range<usize>,
}

impl Window {
    /// Returns the number of values of an input image.
    pub fn image(&self) -> usize {
        self.inputs * self.size[0] * self.size[1]
    }

    /// Returns the number of pixels of an output image.
    pub fn pixels(&self) -> usize {
        self.out[0] * self.out[1]
    }

    /// Returns the number of terms of an output's sum.
    pub fn terms(&self) -> usize {
        self.inputs * self.kernel[0] * self.kernel[1]
    }

    /// Returns whether every output reads only the pixel at its own place.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == 1 && self.before == [0, 0] && self.size == self.out
    }

    /// Splits the outputs into chunks whose padded inputs have about `bytes` bytes, and into at least `parts` if there are
    /// enough rows.
    pub fn chunks(&self, bytes: usize, parts: usize) -> Vec<Chunk> {
        let row = 4 * self.inputs * self.size[1].max(1) * self.stride;
        let fair = (self.batch * self.out[0]).div_ceil(parts.max(1));
        let rows = (bytes / row.max(1)).saturating_sub(self.kernel[0] - 1).max(4).min(fair).max(1);
        if rows >= self.out[0] {
            let each = rows / self.out[0];
            let starts = (0..self.batch).step_by(each);
            return starts.map(|n| Chunk { images: n..(n + each).min(self.batch), rows: 0..self.out[0] }).collect();
        }
        // Parts of equal size, so that the last is not tiny.
        let parts = self.out[0].div_ceil(rows);
        let rows = self.out[0].div_ceil(parts);
        let image_chunks = |n| {
            let starts = (0..self.out[0]).step_by(rows);
            starts.map(move |y| Chunk { images: n..n + 1, rows: y..(y + rows).min(self.out[0]) })
        };
        (0..self.batch).flat_map(image_chunks).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_every_row_of_every_image_once() {
        for [batch, height, bytes, parts] in
            [[1, 1, 1, 1], [3, 7, 1, 1], [5, 4, 4000, 1], [2, 64, 40_000, 8], [16, 4, 1 << 20, 2]]
        {
            let window = Window {
                batch,
                inputs: 8,
                outputs: 8,
                size: [height, 8],
                out: [height, 8],
                kernel: [3, 3],
                stride: 1,
                before: [1, 1],
                joint: false,
            };
            let mut seen = vec![0; batch * height];
            let chunks = window.chunks(bytes, parts);
            for chunk in &chunks {
                for n in chunk.images.clone() {
                    chunk.rows.clone().for_each(|y| seen[n * height + y] += 1);
                }
            }
            assert!(seen.iter().all(|&times| times == 1), "{chunks:?}");
        }
    }
}
