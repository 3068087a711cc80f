//! The gradients of a convolution. That of the input is itself a convolution; that of the weights has a kernel that keeps
//! sums in registers while it goes over the pixels.

#![expect(unsafe_code, reason = "loads and stores of tiles, whose bounds are checked once for all tiles")]

use std::cell::RefCell;

use rayon::prelude::*;

use super::forward::convolve;
use super::padded::Padded;
use super::weights::Weights;
use super::window::{Chunk, Window};
use crate::kernel::simd::{Isa, Job, Vector, sum};
use crate::kernel::weight_slice::WeightSlice;

/// Pixels that are summed over before the next weights, so that their gradients stay in the L1 cache.
const PIXELS: usize = 256;
/// Bytes of a chunk's padded input, which is to fit the L2 cache.
const CHUNK: usize = 160 << 10;

/// Returns the gradient of `x`, from that of the output and the weight, `[outputs, inputs, height, width]`.
///
/// It is a convolution of the output's gradient with the flipped kernel, with input and output channels swapped. With a
/// stride above 1 there is one convolution for each remainder of a pixel's place, with the taps that reach such pixels.
pub(crate) fn input_gradient(isa: Isa, window: &Window, gradient: &[f32], weight: &[f32]) -> Vec<f32> {
    let s = window.stride;
    let [height, width] = window.kernel;
    let taps = (height * width) as isize;
    let phase = |a: usize, b: usize| {
        let phase = [a, b];
        let kernel = [0, 1].map(|i| window.kernel[i].saturating_sub(phase[i]).div_ceil(s));
        // Row `q` of the phase is row `s·q + a - before` of the input.
        let first = [0, 1].map(|i| (window.before[i] - phase[i] as isize + s as isize - 1).div_euclid(s as isize));
        let end = [0, 1].map(|i| {
            (window.size[i] as isize + window.before[i] - phase[i] as isize + s as isize - 1).div_euclid(s as isize)
        });
        let backward = Window {
            batch: window.batch,
            inputs: window.outputs,
            outputs: window.inputs,
            size: window.out,
            out: [0, 1].map(|i| (end[i] - first[i]).max(0) as usize),
            kernel,
            stride: 1,
            before: [0, 1].map(|i| kernel[i] as isize - 1 - first[i]),
            joint: window.joint,
        };
        if kernel.contains(&0) {
            return (vec![0.0; window.batch * window.inputs * backward.pixels()], backward, first);
        }
        let weights = Weights {
            values: WeightSlice::F32(weight),
            start: (a + s * (kernel[0] - 1)) * width + b + s * (kernel[1] - 1),
            outputs: taps,
            inputs: taps * window.inputs as isize,
            rows: -((s * width) as isize),
            columns: -(s as isize),
        };
        (convolve(isa, &backward, gradient, weights, None), backward, first)
    };
    if s == 1 {
        return phase(0, 0).0;
    }
    let [rows, columns] = window.size;
    let mut whole = vec![0.0; window.batch * window.image()];
    for (a, b) in (0..s).flat_map(|a| (0..s).map(move |b| (a, b))) {
        let (part, backward, first) = phase(a, b);
        let place = |q: usize, i: usize, a: usize| {
            ((q as isize + first[i]) * s as isize + a as isize - window.before[i]) as usize
        };
        if part.is_empty() {
            continue;
        }
        let start = place(0, 1, b);
        for (part, whole) in part.chunks_exact(backward.pixels()).zip(whole.chunks_exact_mut(rows * columns)) {
            for (q, row) in part.chunks_exact(backward.out[1]).enumerate() {
                let to = whole[place(q, 0, a) * columns..][..columns].iter_mut().skip(start).step_by(s);
                to.zip(row).for_each(|(to, from)| *to = *from);
            }
        }
    }
    whole
}

/// Returns the gradient of the bias, `[outputs]`: the sum of the output's gradient over images and pixels.
pub(crate) fn bias_gradient(isa: Isa, window: &Window, gradient: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0; window.outputs];
    if window.pixels() > 0 {
        for (i, plane) in gradient.chunks_exact(window.pixels()).enumerate() {
            let mut sum = 0.0;
            isa.run(Sum(plane, &mut sum));
            sums[i % window.outputs] += sum;
        }
    }
    sums
}

struct Sum<'a>(&'a [f32], &'a mut f32);

impl Job for Sum<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        *self.1 = sum::<V, false>(self.0, 0.0);
    }
}

thread_local! {
    static BUFFERS: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Returns the gradient of the weight, `[outputs, inputs, height, width]`, from the input and the output's gradient.
pub(crate) fn weight_gradient(isa: Isa, window: &Window, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), window.batch * window.image(), "{window:?}");
    assert_eq!(gradient.len(), window.batch * window.outputs * window.pixels(), "{window:?}");
    let blocks = Blocks::new(window, isa.lanes());
    let threads = rayon::current_num_threads();
    let chunks = window.chunks(CHUNK, threads);
    let work = |chunks: &[Chunk]| {
        let mut sums = vec![0.0; blocks.columns * blocks.terms];
        for chunk in chunks {
            BUFFERS.with_borrow_mut(|(padded, columns)| {
                let padded = Padded::new(window, chunk, x, padded);
                add_chunk(isa, window, chunk, &padded, gradient, columns, &blocks, &mut sums);
            });
        }
        sums
    };
    let sums = if threads == 1 || chunks.len() <= 1 {
        work(&chunks)
    } else {
        // In the order of the chunks, so that the sum does not depend on which thread is first.
        let parts: Vec<Vec<f32>> = chunks.par_chunks(chunks.len().div_ceil(threads)).map(work).collect();
        let add = |mut sum: Vec<f32>, part: Vec<f32>| {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            sum
        };
        parts.into_iter().reduce(add).unwrap_or_default()
    };
    blocks.unpack(window, &sums)
}

/// The outputs in blocks of three or two vectors, since one vector would have more loads than multiply-adds.
///
/// A tile is three, six or eight terms of a block: as many sums as leave registers for the factors and their addresses.
struct Blocks {
    /// The first output and the number of vectors of each block.
    blocks: Vec<(usize, usize)>,
    /// The number of lanes of all blocks.
    columns: usize,
    /// The number of terms, rounded up so that tiles of any block are full.
    terms: usize,
    lanes: usize,
}

impl Blocks {
    fn new(window: &Window, lanes: usize) -> Self {
        let vectors = window.outputs.div_ceil(lanes);
        let threes = if vectors.is_multiple_of(3) { vectors / 3 } else { vectors % 2 * (vectors / 3).min(1) };
        let rest = vectors - 3 * threes;
        let widths = [vec![3; threes], vec![2; rest / 2], vec![1; rest % 2]].concat();
        let first = |i: usize| widths[..i].iter().sum::<usize>() * lanes;
        let blocks = widths.iter().enumerate().map(|(i, &width)| (first(i), width)).collect();
        Self { blocks, columns: vectors * lanes, terms: window.terms().next_multiple_of(24), lanes }
    }

    /// Turns the sums, `[terms, lanes]` for each block, into `[outputs, terms]`.
    fn unpack(&self, window: &Window, sums: &[f32]) -> Vec<f32> {
        let terms = window.terms();
        let mut weight = vec![0.0; window.outputs * terms];
        for &(first, vectors) in &self.blocks {
            let width = vectors * self.lanes;
            let block = &sums[first * self.terms..];
            for (o, row) in weight[first * terms..].chunks_exact_mut(terms.max(1)).take(width).enumerate() {
                row.iter_mut().enumerate().for_each(|(k, to)| *to = block[k * width + o]);
            }
        }
        weight
    }
}

#[expect(clippy::too_many_arguments, reason = "it is the body of a loop and uses all of its variables")]
fn add_chunk(
    isa: Isa,
    window: &Window,
    chunk: &Chunk,
    padded: &Padded,
    gradient: &[f32],
    columns: &mut Vec<f32>,
    blocks: &Blocks,
    sums: &mut [f32],
) {
    let width = window.out[1];
    let image_pixels = chunk.rows.len() * width;
    let images = chunk.images.len();
    let places: Vec<usize> = (0..images)
        .flat_map(|n| (0..image_pixels).map(move |p| (n, p)))
        .map(|(n, p)| padded.place(n, p, width))
        .collect();
    let furthest = padded.offsets.iter().max().copied().unwrap_or(0);
    assert!(furthest + places.iter().max().copied().unwrap_or(0) < padded.values.len(), "{window:?} {chunk:?}");
    let terms = &padded.offsets;

    // The gradients of a block of outputs, `[pixels, lanes]`.
    columns.resize(places.len() * 3 * blocks.lanes, 0.0);
    for &(first, vectors) in &blocks.blocks {
        let lanes = vectors * blocks.lanes;
        for (image, n) in chunk.images.clone().enumerate() {
            let from = &gradient[n * window.outputs * window.pixels() + chunk.rows.start * width..];
            let outputs = first..(first + lanes).min(window.outputs);
            let to = &mut columns[image * image_pixels * lanes..(image + 1) * image_pixels * lanes];
            transpose(isa, &from[first * window.pixels()..], window.pixels(), outputs.len(), image_pixels, to, lanes);
        }
        let sums = &mut sums[first * blocks.terms..][..blocks.terms * lanes];
        let pixels = places.chunks(PIXELS).zip(columns.chunks(PIXELS * lanes));
        for (places, columns) in pixels {
            let source = padded.values.as_ptr();
            let (pixels, places, columns) = (places.len(), places.as_ptr(), columns.as_ptr());
            let tile = Tile { source, places, pixels, columns };
            match vectors {
                1 => add::<8, 1>(isa, tile, terms, sums),
                2 => add::<6, 2>(isa, tile, terms, sums),
                3 => add::<3, 3>(isa, tile, terms, sums),
                _ => unreachable!("blocks have 1 to 3 vectors"),
            }
        }
    }
}

fn add<const TERMS: usize, const VECTORS: usize>(isa: Isa, tile: Tile, terms: &[usize], sums: &mut [f32]) {
    let sums = sums.chunks_exact_mut(TERMS * VECTORS * isa.lanes());
    // The last tile may go beyond the terms, into sums that are never read.
    for (terms, sums) in terms.chunks(TERMS).zip(sums) {
        let offsets = std::array::from_fn(|i| terms.get(i).copied().unwrap_or(terms[0]));
        isa.run(Sums::<TERMS, VECTORS> { tile, offsets, sums });
    }
}

/// Transposes `rows` rows of `count` values, which are `apart` values apart, to rows of `lanes` values padded with zeros.
fn transpose(isa: Isa, from: &[f32], apart: usize, rows: usize, count: usize, to: &mut [f32], lanes: usize) {
    assert!(to.len() == count * lanes && rows <= lanes && from.len() >= (rows - 1) * apart + count);
    let step = isa.lanes();
    let (whole_rows, whole) = (rows / step * step, count / step * step);
    if whole > 0 {
        for row in (0..whole_rows).step_by(step) {
            isa.run(Transpose { from: &from[row * apart..], apart, count: whole, to: &mut to[row..], lanes });
        }
    }
    for (column, to) in to.chunks_exact_mut(lanes).enumerate() {
        let done = if column < whole { whole_rows } else { 0 };
        for (row, to) in to.iter_mut().enumerate().skip(done) {
            *to = if row < rows { from[row * apart + column] } else { 0.0 };
        }
    }
}

/// Transposes as many rows as a vector has lanes.
struct Transpose<'a> {
    from: &'a [f32],
    apart: usize,
    count: usize,
    to: &'a mut [f32],
    lanes: usize,
}

impl Job for Transpose<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        for column in (0..self.count).step_by(V::LANES) {
            // SAFETY: `transpose` asserts that `from` has `LANES` rows of `count` values, a multiple of `LANES`, and `to` as
            // many columns.
            unsafe {
                let to = self.to.as_mut_ptr().add(column * self.lanes);
                V::transpose(self.from.as_ptr().add(column), self.apart, to, self.lanes);
            }
        }
    }
}

/// Some pixels: their places in the padded input, and the gradients of a block of outputs there.
#[derive(Clone, Copy)]
struct Tile {
    source: *const f32,
    places: *const usize,
    pixels: usize,
    columns: *const f32,
}

/// Adds, for some terms and `VECTORS` vectors of outputs, the products of inputs and gradients.
struct Sums<'a, const TERMS: usize, const VECTORS: usize> {
    tile: Tile,
    offsets: [usize; TERMS],
    /// `[TERMS, lanes]`.
    sums: &'a mut [f32],
}

impl<const TERMS: usize, const VECTORS: usize> Job for Sums<'_, TERMS, VECTORS> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        assert!(self.sums.len() == TERMS * VECTORS * V::LANES);
        let Tile { source, places, pixels, columns } = self.tile;
        let sums_at = self.sums.as_mut_ptr();
        // SAFETY: `add_chunk` checks the furthest input, and passes as many places and columns as pixels.
        unsafe {
            let mut sums = [[V::splat(0.0); VECTORS]; TERMS];
            let mut sources = [source; TERMS];
            for m in 0..TERMS {
                sources[m] = source.add(self.offsets[m]);
            }
            for p in 0..pixels {
                let place = *places.add(p);
                let mut gradients = [V::splat(0.0); VECTORS];
                for i in 0..VECTORS {
                    gradients[i] = V::load(columns.add((p * VECTORS + i) * V::LANES));
                }
                for m in 0..TERMS {
                    let input = V::splat(*sources[m].add(place));
                    for i in 0..VECTORS {
                        sums[m][i] = gradients[i].mul_add(input, sums[m][i]);
                    }
                }
            }
            for m in 0..TERMS {
                for i in 0..VECTORS {
                    let at = sums_at.add((m * VECTORS + i) * V::LANES);
                    V::load(at).add(sums[m][i]).store(at);
                }
            }
        }
    }
}
