//! The convolution, in one of three ways: by Winograd's transforms, as a product of matrices, or, if channels are few, in
//! tiles.
//!
//! A tile has six channels and two vectors of pixels and keeps its sums in registers. A term of the sum needs two loads of
//! pixels, a load of each of the six weights, and twelve multiply-adds. A processor with two multiply-adds and two or three
//! loads per cycle does that in six cycles, so arithmetic is the bottleneck.

#![expect(unsafe_code, reason = "loads and stores of tiles, whose bounds are checked once for all tiles")]

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use rayon::prelude::*;

use super::padded::Padded;
use super::patches::Patches;
use super::weights::Weights;
use super::window::{Chunk, Window};
use super::winograd;
use crate::kernel::gemm::{Bias, Columns, Gemm, Matrix};
use crate::kernel::shared::Shared;
use crate::kernel::simd::{Isa, Job, Vector};
use crate::kernel::weight_slice::WeightSlice;

/// Terms that are summed before the next tile, so that their pixels stay in the L1 cache.
const TERMS: usize = 512;
/// Weights that are used before the next ones, so that they stay in the L2 cache.
const WEIGHTS: usize = 48 << 10;
/// Bytes of a chunk's padded input, which is to fit the L2 cache.
const CHUNK: usize = 160 << 10;
/// From so many weights on, packing them at each call takes too long.
const PRODUCT: usize = 1 << 19;
/// So many weights are widened at once; more are widened block by block.
const FEW: usize = 1 << 18;
/// For images of at most so many pixels, packing the weights takes longer than the sums.
const SMALL: usize = 64;
/// Channels of the widest tile.
const WIDEST: usize = 6;

thread_local! {
    static PADDED: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static BUFFERS: RefCell<(Vec<f32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Returns the convolution of `x`, `[batch, inputs, height, width]`, plus a bias, `[outputs]`, if there is one.
pub(crate) fn convolve(isa: Isa, window: &Window, x: &[f32], weights: Weights, bias: Option<&[f32]>) -> Vec<f32> {
    // Never the number of images: each of them is to have the bits that it has alone. The two ways without transforms sum in the same
    // order, but in half precision they round differently.
    let is_product = window.is_pointwise() || window.outputs * window.terms() >= PRODUCT || window.pixels() <= SMALL;
    let has_tiles = isa.tiles().is_some() && weights.are_in_order(window) && weights.pairs(window).is_some();
    let way = if has_tiles && tiles_pay(window) {
        as_product
    } else if winograd::pays(window) {
        winograd::convolve
    } else if is_product && weights.are_in_order(window) {
        as_product
    } else {
        in_order
    };
    way(isa, window, x, weights, bias)
}

/// Returns whether tiles are faster than vectors.
///
/// All costs are in multiply-adds of vectors, for each term and pixel. Tiles make 6.5 products in that time, measured on
/// Emerald Rapids, but gathering a pixel and rounding it takes some six instructions, in proportion. Winograd's transforms save
/// three of four products, and take two instructions.
fn tiles_pay(window: &Window) -> bool {
    let outputs = window.outputs as f64;
    let in_tiles = window.outputs.next_multiple_of(16) as f64 / 6.5 + 6.0;
    in_tiles < if winograd::pays(window) { outputs / 4.0 + 2.0 } else { outputs }
}

/// Returns [`convolve`] as a product of the weights and the patches of images that the outputs see.
///
/// If the processor multiplies half precision faster, weights in bf16 are multiplied with rounded inputs.
pub(in crate::kernel) fn as_product(
    isa: Isa,
    window: &Window,
    x: &[f32],
    weights: Weights,
    bias: Option<&[f32]>,
) -> Vec<f32> {
    assert_eq!(x.len(), window.batch * window.image(), "{window:?}");
    assert!(weights.are_in_order(window), "{weights:?}");
    let pairs = weights.pairs(window).filter(|_| isa.has_pairs());
    let tiles = isa.tiles().filter(|_| pairs.is_some());
    // Few weights are widened once, not for each panel of pixels.
    let wide = if pairs.is_none() && weights.values.len() <= FEW { weights.values.widened() } else { Cow::default() };
    let values = if wide.is_empty() { weights.values } else { WeightSlice::F32(&wide) };
    let sizes = [window.outputs, window.terms()];
    let left = match pairs {
        Some(left) if tiles.is_none() => left,
        _ => Matrix::of_weights(values.skip(weights.start), sizes, [weights.outputs as usize, 1]),
    };
    let pairs = pairs.is_some();
    let count = window.batch * window.outputs * window.pixels();
    let mut out = Vec::with_capacity(count);
    if count == 0 {
        return out;
    }
    // Taken, not borrowed: a thread that waits for others may start another convolution.
    let mut memory = PADDED.take();
    let padded = Padded::of_images(window, x, &mut memory);
    let right = &Patches::new(window, &padded, pairs);
    let columns = &Columns::panels(isa, window.batch, window.pixels(), window.outputs * window.pixels());
    let bias = bias.map_or(Bias::None, Bias::OfRows);
    let product = Gemm { left, right, columns, bias, out_row: window.pixels(), pairs };
    match tiles {
        Some(tiles) => product.write_in_tiles(tiles, &Shared(out.as_mut_ptr()), count),
        None => product.write(isa, &Shared(out.as_mut_ptr()), count),
    }
    PADDED.set(memory);
    // SAFETY: the panels cover all columns of all images, and the rows all outputs.
    unsafe { out.set_len(count) };
    out
}

/// Returns [`convolve`] computed term by term, in tiles.
pub(in crate::kernel) fn in_order(
    isa: Isa,
    window: &Window,
    x: &[f32],
    weights: Weights,
    bias: Option<&[f32]>,
) -> Vec<f32> {
    assert_eq!(x.len(), window.batch * window.image(), "{window:?}");
    assert!(bias.is_none_or(|bias| bias.len() == window.outputs), "{window:?}");
    let count = window.batch * window.outputs * window.pixels();
    let mut out = Vec::with_capacity(count);
    if count == 0 {
        return out;
    }
    let packed = Packed::new(window, weights, bias);
    let whole = Shared(out.as_mut_ptr());
    let threads = rayon::current_num_threads();
    let chunks = window.chunks(CHUNK, if threads > 1 { 2 * threads } else { 1 });
    let work = |chunk: &Chunk| {
        BUFFERS.with_borrow_mut(|(padded, panel)| {
            let padded = Padded::new(window, chunk, x, padded);
            convolve_chunk(isa, window, chunk, &padded, &packed, panel, &whole);
        });
    };
    if threads == 1 || chunks.len() <= 1 {
        chunks.iter().for_each(work);
    } else {
        chunks.par_iter().for_each(work);
    }
    // SAFETY: the chunks cover all outputs, and all of their tiles were stored.
    unsafe { out.set_len(count) };
    out
}

/// Weights in the order in which tiles read them: `[blocks of terms, tiles of channels, terms, channels]`.
struct Packed {
    values: Vec<f32>,
    /// Zeros if there is no bias.
    bias: Vec<f32>,
    /// The number of channels of each tile.
    tiles: Vec<usize>,
    /// Terms in a block.
    block: usize,
}

impl Packed {
    fn new(window: &Window, weights: Weights, bias: Option<&[f32]>) -> Self {
        let taps = window.kernel[0] * window.kernel[1];
        let most = TERMS.min(WEIGHTS / window.outputs.max(1)).max(64);
        let blocks = window.terms().div_ceil(most).max(1);
        let block = window.inputs.div_ceil(blocks).max(1) * taps;
        let tiles = tiles(window.outputs);
        let from = weights.values.widened();
        let mut values = Vec::with_capacity(window.outputs * window.terms());
        let channels = block / taps.max(1);
        for first in (0..window.inputs).step_by(channels.max(1)) {
            let inputs = first..(first + channels).min(window.inputs);
            let mut output = 0;
            for &tile in &tiles {
                for i in inputs.clone() {
                    for y in 0..window.kernel[0] {
                        for x in 0..window.kernel[1] {
                            let at = weights.start as isize
                                + i as isize * weights.inputs
                                + y as isize * weights.rows
                                + x as isize * weights.columns;
                            let weight = |o: usize| from[(at + o as isize * weights.outputs) as usize];
                            match tile {
                                WIDEST => values.extend((0..WIDEST).map(|o| weight(output + o))),
                                _ => values.extend((output..output + tile).map(weight)),
                            }
                        }
                    }
                }
                output += tile;
            }
        }
        let bias = bias.map_or_else(|| vec![0.0; window.outputs], <[f32]>::to_vec);
        Self { values, bias, tiles, block }
    }
}

/// Splits channels into tiles of six. The last tiles have fewer if the rest would otherwise be too narrow to be fast.
fn tiles(channels: usize) -> Vec<usize> {
    let (wide, rest) = (channels / WIDEST, channels % WIDEST);
    match rest {
        0 => vec![WIDEST; wide],
        1 if wide > 0 => [vec![WIDEST; wide - 1], vec![4, 3]].concat(),
        2 if wide > 0 => [vec![WIDEST; wide - 1], vec![4, 4]].concat(),
        rest => [vec![WIDEST; wide], vec![rest]].concat(),
    }
}

/// A vector's pixels.
#[derive(Clone, Copy)]
struct Pixels {
    /// Their place in the output, in the first channel.
    out: usize,
    /// Their place in the padded input if they are contiguous there. Otherwise the index of their first place in the list of
    /// places.
    place: usize,
    /// The number of lanes that are pixels.
    count: usize,
    /// The number of leading lanes that the previous vector has too.
    again: usize,
}

/// Returns a chunk's pixels as vectors, and the place of each pixel if vectors are not contiguous in the padded input.
///
/// The last vector of a run starts early if the run is not a multiple of vectors, and repeats pixels of the previous vector.
fn pixels(window: &Window, chunk: &Chunk, padded: &Padded, lanes: usize) -> (Vec<Pixels>, Vec<usize>) {
    let width = window.out[1];
    let image_pixels = chunk.rows.len() * width;
    let direct = padded.run >= lanes;
    let run = if direct { padded.run } else { image_pixels };
    let (mut vectors, mut places) = (Vec::new(), Vec::new());
    for (image, n) in chunk.images.clone().enumerate() {
        let out = n * window.outputs * window.pixels() + chunk.rows.start * width;
        for start in (0..image_pixels).step_by(run) {
            for i in 0..run.div_ceil(lanes) {
                let within = (i * lanes).min(run.saturating_sub(lanes));
                let pixel = start + within;
                let count = lanes.min(run);
                let place = if direct { padded.place(image, pixel, width) } else { places.len() };
                if !direct {
                    places.extend((pixel..pixel + lanes).map(|p| padded.place(image, p % image_pixels, width)));
                }
                vectors.push(Pixels { out: out + pixel, place, count, again: i * lanes - within });
            }
        }
    }
    (vectors, places)
}

fn convolve_chunk(
    isa: Isa,
    window: &Window,
    chunk: &Chunk,
    padded: &Padded,
    packed: &Packed,
    panel: &mut Vec<f32>,
    out: &Shared<f32>,
) {
    let lanes = isa.lanes();
    let (vectors, places) = pixels(window, chunk, padded, lanes);
    let direct = places.is_empty();
    let furthest = padded.offsets.iter().max().copied().unwrap_or(0);
    let last = if direct { vectors.iter().map(|v| v.place + lanes - 1).max() } else { places.iter().max().copied() };
    assert!(furthest + last.unwrap_or(0) < padded.values.len(), "{window:?} {chunk:?}");
    // Vectors of which some lanes are not outputs are stored here first.
    let mut spare = vec![0.0; 2 * WIDEST * lanes];
    let apart = window.pixels();
    let in_panel: Vec<usize> = (0..packed.block).map(|k| 2 * lanes * k).collect();
    // Four pixels are contiguous even where a vector's are not.
    let fours = window.out[1].is_multiple_of(4);

    for (block, offsets) in padded.offsets.chunks(packed.block).enumerate() {
        let all = &packed.values[block * packed.block * window.outputs..];
        for pair in vectors.chunks(2) {
            let pair = [pair[0], pair[pair.len() - 1]];
            let (sources, offsets) = if direct {
                (pair.map(|v| padded.values[v.place..].as_ptr()), offsets)
            } else {
                panel.resize(2 * lanes * packed.block, 0.0);
                let places = pair.map(|v| &places[v.place..v.place + lanes]);
                if fours {
                    gather::<4>(padded.values, places, offsets, panel);
                } else {
                    gather::<1>(padded.values, places, offsets, panel);
                }
                ([panel.as_ptr(), panel[lanes..].as_ptr()], &in_panel[..offsets.len()])
            };
            // Pixels that are in two vectors may be stored twice, but not added twice.
            let full = pair.iter().all(|v| v.count == lanes && (v.again == 0 || padded.offsets.len() <= packed.block));
            let mut weights = all;
            let mut channel = 0;
            for &tile in &packed.tiles {
                let bias = if block == 0 { packed.bias[channel..].as_ptr() } else { std::ptr::null() };
                if !full && block > 0 {
                    each_of_spare(&pair, tile, |i, m, lane, v| {
                        // SAFETY: outputs of this vector, which an earlier block has stored.
                        spare[i * WIDEST * lanes + m * lanes + lane] =
                            unsafe { *out.part(v.out + (channel + m) * apart + lane) };
                    });
                }
                let (outs, apart_here) = if full {
                    // SAFETY: within the outputs: the pixels of every vector are outputs in every channel.
                    (pair.map(|v| unsafe { out.part(v.out + channel * apart) }), apart)
                } else {
                    let to = spare.as_mut_ptr();
                    // SAFETY: the other half of `spare`.
                    ([to, unsafe { to.add(WIDEST * lanes) }], lanes)
                };
                let terms = offsets.len();
                let (used, rest) = weights.split_at(terms * tile);
                weights = rest;
                let offsets = offsets.as_ptr();
                let job = Tile { sources, offsets, terms, weights: used.as_ptr(), bias, outs, apart: apart_here };
                match tile {
                    1 => isa.run(Tiled::<1>(job)),
                    2 => isa.run(Tiled::<2>(job)),
                    3 => isa.run(Tiled::<3>(job)),
                    4 => isa.run(Tiled::<4>(job)),
                    5 => isa.run(Tiled::<5>(job)),
                    WIDEST => isa.run(Tiled::<WIDEST>(job)),
                    _ => unreachable!("tiles have 1 to {WIDEST} channels"),
                }
                if !full {
                    each_of_spare(&pair, tile, |i, m, lane, v| {
                        // SAFETY: outputs of this vector.
                        unsafe {
                            *out.part(v.out + (channel + m) * apart + lane) =
                                spare[i * WIDEST * lanes + m * lanes + lane];
                        }
                    });
                }
                channel += tile;
            }
        }
    }
}

/// Calls `f` with vector, channel and lane of each output of a tile that no other vector has.
fn each_of_spare(pair: &[Pixels; 2], tile: usize, mut f: impl FnMut(usize, usize, usize, &Pixels)) {
    for (i, v) in pair.iter().enumerate() {
        (0..tile).for_each(|m| (v.again..v.count).for_each(|lane| f(i, m, lane, v)));
    }
}

/// Copies the terms of two vectors of pixels to a panel. `RUN` pixels at a time are contiguous in `values`.
fn gather<const RUN: usize>(values: &[f32], places: [&[usize]; 2], offsets: &[usize], panel: &mut [f32]) {
    let lanes = places[0].len();
    for (&offset, panel) in offsets.iter().zip(panel.chunks_exact_mut(2 * lanes)) {
        for (places, panel) in places.iter().zip(panel.chunks_exact_mut(lanes)) {
            for (place, to) in places.chunks_exact(RUN).zip(panel.as_chunks_mut::<RUN>().0) {
                let from = offset + place[0];
                to.copy_from_slice(&values[from..from + RUN]);
            }
        }
    }
}

/// Some channels of two vectors of pixels.
#[derive(Clone, Copy)]
struct Tile {
    sources: [*const f32; 2],
    offsets: *const usize,
    terms: usize,
    /// `[terms, channels]`.
    weights: *const f32,
    /// The initial values of the sums; if null, they are what the outputs hold.
    bias: *const f32,
    outs: [*mut f32; 2],
    /// Distance between channels in `outs`.
    apart: usize,
}

struct Tiled<const CHANNELS: usize>(Tile);

impl<const CHANNELS: usize> Job for Tiled<CHANNELS> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let tile = self.0;
        // SAFETY: `convolve_chunk` checks the furthest source, splits `weights` off a slice, and passes outputs of its own
        // chunk, or spare memory for `CHANNELS` vectors.
        unsafe {
            let mut sums = [[V::splat(0.0); 2]; CHANNELS];
            for m in 0..CHANNELS {
                for i in 0..2 {
                    sums[m][i] = if tile.bias.is_null() {
                        V::load(tile.outs[i].add(m * tile.apart))
                    } else {
                        V::splat(*tile.bias.add(m))
                    };
                }
            }
            let mut weights = tile.weights;
            for k in 0..tile.terms {
                let offset = *tile.offsets.add(k);
                let pixels = [V::load(tile.sources[0].add(offset)), V::load(tile.sources[1].add(offset))];
                for m in 0..CHANNELS {
                    let weight = V::splat(*weights.add(m));
                    sums[m][0] = pixels[0].mul_add(weight, sums[m][0]);
                    sums[m][1] = pixels[1].mul_add(weight, sums[m][1]);
                }
                weights = weights.add(CHANNELS);
            }
            for m in 0..CHANNELS {
                for i in 0..2 {
                    sums[m][i].store(tile.outs[i].add(m * tile.apart));
                }
            }
        }
    }
}
