use rayon::prelude::*;

use super::window::{Chunk, Window};

/// The input of a chunk with its padding. Each term of an output's sum is at the output's place plus the term's offset.
///
/// With a stride above 1 the pixels are sorted by their places' remainders, so that neighbouring outputs read neighbouring
/// values.
pub(crate) struct Padded<'a> {
    pub values: &'a [f32],
    /// The offset of each term, in the order of the weights: channel, row, column.
    pub offsets: Vec<usize>,
    /// Distance between images.
    pub image: usize,
    /// Distance between rows of outputs.
    pub row: usize,
    /// The place of the first output.
    pub start: usize,
    /// The number of outputs that are contiguous here and in the output.
    pub run: usize,
}

impl<'a> Padded<'a> {
    /// `x` is `[batch, inputs, height, width]`, with the images of all chunks. `buffer` is memory to reuse.
    pub fn new(window: &Window, chunk: &Chunk, x: &'a [f32], buffer: &'a mut Vec<f32>) -> Self {
        let x = &x[chunk.images.start * window.image()..chunk.images.end * window.image()];
        if window.is_pointwise() {
            return Self::in_place(window, chunk, x);
        }
        let channels = Channels::new(window, chunk);
        let (from, to) = channels.split(chunk, x, buffer);
        x.chunks_exact(from).zip(buffer.chunks_exact_mut(to)).for_each(|channel| channels.fill(channel));
        channels.padded(buffer)
    }

    /// As [`Padded::new`] for all images, by all threads.
    pub fn of_images(window: &Window, x: &'a [f32], buffer: &'a mut Vec<f32>) -> Self {
        let all = Chunk { images: 0..window.batch, rows: 0..window.out[0] };
        if window.is_pointwise() {
            return Self::in_place(window, &all, x);
        }
        let channels = Channels::new(window, &all);
        let (from, to) = channels.split(&all, x, buffer);
        x.par_chunks_exact(from).zip(buffer.par_chunks_exact_mut(to)).for_each(|channel| channels.fill(channel));
        channels.padded(buffer)
    }

    /// Returns the input as it is, which needs no padding.
    fn in_place(window: &Window, chunk: &Chunk, x: &'a [f32]) -> Self {
        let [height, width] = window.size;
        let offsets = (0..window.inputs).map(|i| i * height * width).collect();
        let (start, run) = (chunk.rows.start * width, chunk.rows.len() * width);
        Self { values: x, offsets, image: window.image(), row: width, start, run }
    }

    /// Returns the place of output `pixel` of the chunk's image `image`. `width` is the width of the output.
    pub fn place(&self, image: usize, pixel: usize, width: usize) -> usize {
        self.start + image * self.image + pixel / width * self.row + pixel % width
    }
}

/// The padded channels of a chunk: a plane for each remainder of a pixel's place.
struct Channels<'a> {
    window: &'a Window,
    first_row: usize,
    phases: [usize; 2],
    /// Rows and columns of a plane.
    size: [usize; 2],
}

impl<'a> Channels<'a> {
    fn new(window: &'a Window, chunk: &Chunk) -> Self {
        let s = window.stride;
        let outputs = [chunk.rows.len(), window.out[1]];
        let size = [0, 1].map(|i| outputs[i] + (window.kernel[i] - 1) / s);
        Self { window, first_row: chunk.rows.start, phases: window.kernel.map(|k| k.min(s)), size }
    }

    fn plane(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Returns the values of a padded channel.
    fn channel(&self) -> usize {
        self.plane() * self.phases[0] * self.phases[1]
    }

    /// Makes room for all channels, and returns the lengths of one before and after padding. Both are at least 1.
    fn split(&self, chunk: &Chunk, x: &[f32], buffer: &mut Vec<f32>) -> (usize, usize) {
        let channels = chunk.images.len() * self.window.inputs;
        buffer.resize(channels * self.channel(), 0.0);
        ((x.len() / channels.max(1)).max(1), self.channel().max(1))
    }

    /// Fills a padded channel.
    fn fill(&self, (input, padded): (&[f32], &mut [f32])) {
        let Self { window, phases, size: [_, columns], .. } = *self;
        let (s, width) = (window.stride, window.size[1]);
        for (phase, plane) in padded.chunks_exact_mut(self.plane()).enumerate() {
            let (a, b) = (phase / phases[1], phase % phases[1]);
            for (r, row) in plane.chunks_exact_mut(columns).enumerate() {
                let y = ((self.first_row + r) * s + a) as isize - window.before[0];
                if y < 0 || y as usize >= window.size[0] {
                    row.fill(0.0);
                } else {
                    fill(row, &input[y as usize * width..][..width], s, b as isize - window.before[1]);
                }
            }
        }
    }

    fn padded<'b>(&self, buffer: &'b [f32]) -> Padded<'b> {
        let Self { window, phases, size: [_, columns], .. } = *self;
        let (s, [height, width]) = (window.stride, window.kernel);
        let taps = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        let tap = |(y, x): (usize, usize)| ((y % s) * phases[1] + x % s) * self.plane() + y / s * columns + x / s;
        let taps: Vec<usize> = taps.map(tap).collect();
        let channel = self.channel();
        let offsets = (0..window.inputs).flat_map(|i| taps.iter().map(move |tap| i * channel + tap)).collect();
        let image = channel * window.inputs;
        Padded { values: buffer, offsets, image, row: columns, start: 0, run: window.out[1] }
    }
}

/// Sets `to[c] = from[c·stride + first]`, or zero outside `from`.
#[inline]
fn fill(to: &mut [f32], from: &[f32], stride: usize, first: isize) {
    let zeros = if first < 0 { ((-first) as usize).div_ceil(stride).min(to.len()) } else { 0 };
    let start = (zeros * stride) as isize + first;
    let start = if start < 0 { 0 } else { start as usize };
    let count = from.len().saturating_sub(start).div_ceil(stride).min(to.len() - zeros);
    for value in &mut to[..zeros] {
        *value = 0.0;
    }
    for value in &mut to[zeros + count..] {
        *value = 0.0;
    }
    let to = &mut to[zeros..zeros + count];
    if stride > 1 {
        to.iter_mut().zip(from[start..].iter().step_by(stride)).for_each(|(to, from)| *to = *from);
        return;
    }
    // Rows are short: calling a function to copy one would take longer than the copy.
    let from = &from[start..start + count];
    let (to_eights, to_rest) = to.as_chunks_mut::<8>();
    let (from_eights, from_rest) = from.as_chunks::<8>();
    to_eights.iter_mut().zip(from_eights).for_each(|(to, from)| *to = *from);
    let (to_fours, to_rest) = to_rest.as_chunks_mut::<4>();
    let (from_fours, from_rest) = from_rest.as_chunks::<4>();
    to_fours.iter_mut().zip(from_fours).for_each(|(to, from)| *to = *from);
    to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from);
}
