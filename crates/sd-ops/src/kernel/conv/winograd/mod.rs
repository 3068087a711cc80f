//! Convolutions with a 3×3 kernel by Winograd's F(4×4, 3×3): 36 products for 16 outputs instead of 144 (Lavin and
//! Gray 2015, [arXiv:1509.09308](https://arxiv.org/abs/1509.09308)).
//!
//! A block of tiles of all channels is transformed at a time, and the weights of a block of output channels, so that both
//! stay in the last-level cache. Weights are transformed at each call: transformed, a network's would take four times the
//! memory.
//!
//! Relative to the largest output the error is 6e-6 with 128 input channels and 2e-5 with 800, some six times that of the
//! sum in order.

#![expect(unsafe_code, reason = "each job gets a part of memory that is shared by all")]

mod jobs;
mod tiles;
mod transforms;

use std::cell::{Cell, RefCell};

use rayon::prelude::*;

use self::jobs::{Inputs, Multiply, Outputs, WeightRow};
use self::tiles::{POINTS, Tiles};
use super::weights::Weights;
use super::window::Window;
use crate::kernel::aligned::aligned;
use crate::kernel::microkernel::{Product, tile_rows};
use crate::kernel::shared::Shared;
use crate::kernel::simd::Isa;

/// Bytes of a block of transformed tiles, and of a block of transformed weights.
const BYTES: [usize; 2] = [16 << 20, 6 << 20];
/// The fewest output channels of a block, a multiple of any tile's rows: each block reads all tiles again.
const ROWS: usize = 48;
/// The largest number of tiles of a block.
const TILES: usize = 256;
/// Channels that are summed over at a time.
const TERMS: usize = 384;
/// Unused values between the points of a transform: without them all points would fall into one set of the L1 cache.
const GAP: usize = 16;
/// The fewest channels that are worth the transforms.
const LEAST_CHANNELS: usize = 24;
/// The fewest tiles that are worth transforming the weights: of all images in training, and of one that must not depend on the others
/// and is usually drawn with two rows.
const LEAST_TILES: [usize; 2] = [16, 12];

thread_local! {
    static BANDS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static ROW: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static MEMORY: Cell<[Vec<f32>; 3]> = const { Cell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

/// Returns whether this is faster than the sum in order.
pub(super) fn pays(window: &Window) -> bool {
    let has_tiles = match window.joint {
        true => tiles::count(window) >= LEAST_TILES[0],
        false => tiles::grid(window).iter().product::<usize>() >= LEAST_TILES[1],
    };
    window.kernel == [3, 3] && window.stride == 1 && window.inputs.min(window.outputs) >= LEAST_CHANNELS && has_tiles
}

/// Returns a convolution with a 3×3 kernel and a stride of 1.
pub(in crate::kernel) fn convolve(
    isa: Isa,
    window: &Window,
    x: &[f32],
    weights: Weights,
    bias: Option<&[f32]>,
) -> Vec<f32> {
    assert!(window.kernel == [3, 3] && window.stride == 1 && x.len() == window.batch * window.image(), "{window:?}");
    assert!(bias.is_none_or(|bias| bias.len() == window.outputs), "{window:?}");
    let Window { inputs, outputs, .. } = *window;
    let count = window.batch * outputs * window.pixels();
    let mut out = Vec::with_capacity(count);
    if inputs == 0 || count == 0 {
        let bias = |i: usize| bias.map_or(0.0, |bias| bias[i / window.pixels() % outputs]);
        out.extend((0..count).map(bias));
        return out;
    }
    let (group, height) = (2 * isa.lanes(), tile_rows(isa.lanes()));
    let all = tiles::count(window);
    let most = (BYTES[0] / (4 * POINTS * inputs)).clamp(group, TILES) / group * group;
    let tiles_per_block = all.div_ceil(all.div_ceil(most)).next_multiple_of(group);
    let most = BYTES[1] / (4 * POINTS * inputs);
    let rows = outputs.div_ceil(outputs.div_ceil(most.max(ROWS))).next_multiple_of(height);
    // Distances between points: of an output's weights, of a group of tiles, and of a group's sums.
    let [u_point, v_point, m_point] = [inputs + GAP, inputs * group + GAP, rows * group + GAP];
    // Taken, not borrowed: a thread that waits for others may start another convolution.
    let mut memory = MEMORY.take();
    let groups = tiles_per_block / group;
    let lengths = [rows * u_point, groups * v_point, groups * m_point];
    let mut lengths = lengths.into_iter();
    let [u, v, m] =
        memory.each_mut().map(|memory| Shared(aligned(memory, POINTS * lengths.next().unwrap_or(0)).as_mut_ptr()));
    let to = Shared(out.as_mut_ptr());

    for (block, first) in (0..all).step_by(tiles_per_block).enumerate() {
        let tiles = &Tiles::new(window, first..(first + tiles_per_block).min(all), group);
        let groups = tiles.groups();
        (0..inputs).into_par_iter().for_each(|input| {
            // SAFETY: each input writes its own row of each point of each group.
            let v = unsafe { v.part(input * group) };
            BANDS.with_borrow_mut(|bands| {
                tiles.fill_bands(window, x, input, bands);
                isa.run(Inputs { tiles, bands, v, point: v_point });
            });
        });
        for start in (0..outputs).step_by(rows) {
            let here = rows.min(outputs - start);
            // If all weights fit one block, they are transformed once.
            if block == 0 || rows < outputs {
                (0..here).into_par_iter().for_each(|row| {
                    // SAFETY: each output writes its own points.
                    let u = unsafe { u.part(row * POINTS * u_point) };
                    ROW.with_borrow_mut(|memory| {
                        let taps = weights.output_taps(start + row, window.terms(), memory);
                        isa.run(WeightRow { taps, inputs, u, point: u_point });
                    });
                });
            }
            (0..POINTS * groups).into_par_iter().for_each(|unit| {
                let (point, g) = (unit / groups, unit % groups);
                for first in (0..inputs).step_by(TERMS) {
                    // SAFETY: one point of the weights and of a group of tiles, which were written above.
                    let product = unsafe {
                        Product {
                            a: u.part(point * u_point + first),
                            row: POINTS * u_point,
                            step: 1,
                            b: v.part((g * POINTS + point) * v_point + first * group),
                            b_row: group,
                            terms: TERMS.min(inputs - first),
                            out: m.part((g * POINTS + point) * m_point),
                            out_row: group,
                            add: first > 0,
                        }
                    };
                    isa.run(Multiply { product, rows: here.next_multiple_of(height), columns: group });
                }
            });
            (0..here).into_par_iter().for_each(|row| {
                let (output, out) = (start + row, &to);
                let bias = bias.map_or(0.0, |bias| bias[output]);
                // SAFETY: each output reads its own row of each point of each group.
                let m = unsafe { m.part(row * group) };
                isa.run(Outputs { window, output, bias, tiles, m, point: m_point, out });
            });
        }
    }
    MEMORY.set(memory);
    // SAFETY: the tiles cover all outputs.
    unsafe { out.set_len(count) };
    out
}
