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
            let [height, width] = window.size;
            let offsets = (0..window.inputs).map(|i| i * height * width).collect();
            let start = chunk.rows.start * width;
            return Self {
                values: x,
                offsets,
                image: window.image(),
                row: width,
                start,
                run: chunk.rows.len() * width,
            };
        }
        let s = window.stride;
        let phases = window.kernel.map(|k| k.min(s));
        let [rows, columns] = [0, 1].map(|i| {
            let outputs = if i == 0 { chunk.rows.len() } else { window.out[1] };
            outputs + (window.kernel[i] - 1) / s
        });
        let plane = rows * columns;
        let channel = plane * phases[0] * phases[1];
        let image = channel * window.inputs;
        buffer.resize(chunk.images.len() * image, 0.0);
        let planes = buffer.chunks_exact_mut(plane);
        let inputs = x.chunks_exact(window.size[0] * window.size[1]);
        let phase_list = || (0..phases[0]).flat_map(|a| (0..phases[1]).map(move |b| (a, b)));
        for ((a, b, input), plane) in inputs.flat_map(|i| phase_list().map(move |(a, b)| (a, b, i))).zip(planes) {
            for (r, row) in plane.chunks_exact_mut(columns).enumerate() {
                let y = ((chunk.rows.start + r) * s + a) as isize - window.before[0];
                if y < 0 || y as usize >= window.size[0] {
                    row.fill(0.0);
                    continue;
                }
                let y = y as usize;
                fill(row, &input[y * window.size[1]..][..window.size[1]], s, b as isize - window.before[1]);
            }
        }
        let [height, width] = window.kernel;
        let taps = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        let taps = taps.map(|(y, x)| ((y % s) * phases[1] + x % s) * plane + y / s * columns + x / s);
        let taps: Vec<usize> = taps.collect();
        let offsets = (0..window.inputs).flat_map(|i| taps.iter().map(move |tap| i * channel + tap)).collect();
        Self { values: buffer, offsets, image, row: columns, start: 0, run: window.out[1] }
    }

    /// Returns the place of output `pixel` of the chunk's image `image`. `width` is the width of the output.
    pub fn place(&self, image: usize, pixel: usize, width: usize) -> usize {
        self.start + image * self.image + pixel / width * self.row + pixel % width
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
