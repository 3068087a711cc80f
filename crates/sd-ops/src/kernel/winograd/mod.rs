//! A convolution with a kernel of 3×3 by Winograd's F(4×4, 3×3): 36 products for 16 outputs, in place of 144 (Lavin and
//! Gray 2015, [arXiv:1509.09308](https://arxiv.org/abs/1509.09308)).
//!
//! Beside the largest output of 128 channels that go in its error is 6e-6, and of 800 channels 2e-5: some six times that of
//! the sum in order.

#![expect(unsafe_code, reason = "the loads and stores of jobs that are given their part of memory made for all")]

mod jobs;
mod transforms;

use std::cell::Cell;

use rayon::prelude::*;

use self::jobs::{Inputs, Multiply, Outputs, WeightRow};
use super::forward::Weights;
use super::lanes::Shared;
use super::product::{Product, ROWS};
use super::vector::Level;
use super::window::Window;

/// Numbers of a transformed tile.
const POINTS: usize = 36;
/// Tiles that are transformed at a time: their transforms are to stay in the last cache.
const TILES: usize = 256;
/// Channels that are summed over at a time: those of two vectors of tiles are to stay in the first cache.
const TERMS: usize = 384;
/// Channels that are worth the transforms, and tiles that are worth those of the weights.
const LEAST: [usize; 2] = [128, 32];

thread_local! {
    static MEMORY: Cell<[Vec<f32>; 3]> = const { Cell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

/// Tiles of a picture, downwards and sideways.
fn tiles(window: &Window) -> [usize; 2] {
    window.out.map(|edge| edge.div_ceil(4))
}

/// Whether this is faster than the sum in order.
pub(super) fn pays(window: &Window) -> bool {
    let [rows, columns] = tiles(window);
    window.kernel == [3, 3]
        && window.stride == 1
        && window.inputs.min(window.outputs) >= LEAST[0]
        && window.batch * rows * columns >= LEAST[1]
}

/// As [`convolve`](super::forward::convolve), for a kernel of 3×3 and a stride of 1.
pub(super) fn convolve(level: Level, window: &Window, x: &[f32], weights: Weights, bias: Option<&[f32]>) -> Vec<f32> {
    assert!(window.kernel == [3, 3] && window.stride == 1 && x.len() == window.batch * window.image(), "{window:?}");
    assert!(bias.is_none_or(|bias| bias.len() == window.outputs), "{window:?}");
    let Window { inputs, outputs, .. } = *window;
    let group = 2 * level.lanes();
    let all = window.batch * tiles(window).iter().product::<usize>();
    let rows = outputs.next_multiple_of(ROWS);
    let groups = all.min(TILES).div_ceil(group);
    let count = window.batch * outputs * window.pixels();
    let mut out = Vec::with_capacity(count);
    // Taken, not borrowed: a thread that waits for others may begin another convolution.
    let mut memory = MEMORY.take();
    let lengths = [rows * inputs, groups * group * inputs, groups * group * rows];
    memory.iter_mut().zip(lengths).for_each(|(memory, length)| memory.resize(POINTS * length, 0.0));
    let [u, v, m] = memory.each_mut().map(|memory| Shared(memory.as_mut_ptr()));
    let to = Shared(out.as_mut_ptr());

    (0..outputs).into_par_iter().for_each(|output| {
        // SAFETY: each output writes its own row of each point's matrix.
        let u = unsafe { u.part(output * inputs) };
        level.run(WeightRow { weights, output, inputs, u, apart: rows * inputs });
    });
    for first in (0..all).step_by(TILES) {
        let tiles = first..(first + TILES).min(all);
        let groups = tiles.len().div_ceil(group);
        let apart = |channels: usize| groups * group * channels;
        (0..inputs).into_par_iter().for_each(|input| {
            // SAFETY: each input writes its own row of each group of each point.
            let v = unsafe { v.part(input * group) };
            let (next_group, next_point) = (group * inputs, apart(inputs));
            level.run(Inputs { window, x, input, tiles: tiles.clone(), v, next_group, next_point });
        });
        (0..POINTS * groups).into_par_iter().for_each(|unit| {
            let point = unit / groups;
            for first in (0..inputs).step_by(TERMS) {
                // SAFETY: a point's matrix, and the tiles of one of its groups, all of which was written above.
                let product = unsafe {
                    Product {
                        a: u.part(point * rows * inputs + first),
                        row: inputs,
                        step: 1,
                        b: v.part((unit * inputs + first) * group),
                        b_row: group,
                        terms: TERMS.min(inputs - first),
                        out: m.part(unit * rows * group),
                        out_row: group,
                        add: first > 0,
                    }
                };
                level.run(Multiply { product, rows, columns: group });
            }
        });
        (0..outputs).into_par_iter().for_each(|output| {
            let bias = bias.map_or(0.0, |bias| bias[output]);
            // SAFETY: each output reads its own row of each group of each point.
            let m = unsafe { m.part(output * group) };
            let (next_group, next_point) = (group * rows, apart(rows));
            let out = &to;
            level.run(Outputs { window, output, bias, tiles: tiles.clone(), m, next_group, next_point, out });
        });
    }
    MEMORY.set(memory);
    // SAFETY: the tiles cover all outputs.
    unsafe { out.set_len(count) };
    out
}
