#![expect(unsafe_code, reason = "the loads and stores of jobs that are given their part of memory made for all")]

use std::ops::Range;

use super::transforms::{of_input, of_output, of_weights};
use super::{POINTS, tiles};
use crate::kernel::forward::Weights;
use crate::kernel::lanes::Shared;
use crate::kernel::product::Product;
use crate::kernel::vector::{Job, Vector};
use crate::kernel::window::Window;

/// Lanes of the widest vectors.
const MOST: usize = 16;

/// The transforms of an output's weights.
pub(super) struct WeightRow<'a> {
    pub weights: Weights<'a>,
    pub output: usize,
    pub inputs: usize,
    pub u: *mut f32,
    /// From a point's matrix to the next.
    pub apart: usize,
}

impl Job for WeightRow<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Weights { numbers, start, outputs, inputs, rows, columns } = self.weights;
        for first in (0..self.inputs).step_by(V::LANES) {
            let here = V::LANES.min(self.inputs - first);
            let mut taps = [0.0; 9 * MOST];
            for lane in 0..here {
                let at = start as isize + self.output as isize * outputs + (first + lane) as isize * inputs;
                for y in 0..3 {
                    for x in 0..3 {
                        taps[(3 * y + x) * V::LANES + lane] =
                            numbers[(at + y as isize * rows + x as isize * columns) as usize];
                    }
                }
            }
            let mut half = [[V::splat(0.0); 3]; 6];
            for x in 0..3 {
                let mut column = [V::splat(0.0); 3];
                for y in 0..3 {
                    // SAFETY: nine vectors are in `taps`.
                    column[y] = unsafe { V::load(taps.as_ptr().add((3 * y + x) * V::LANES)) };
                }
                let found = of_weights(column);
                for y in 0..6 {
                    half[y][x] = found[y];
                }
            }
            for y in 0..6 {
                let found = of_weights(half[y]);
                for x in 0..6 {
                    let mut lanes = [0.0; MOST];
                    // SAFETY: a vector has at most sixteen lanes, and `here` numbers of each row are this job's.
                    unsafe {
                        found[x].store(lanes.as_mut_ptr());
                        let to = self.u.add((6 * y + x) * self.apart + first);
                        std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, here);
                    }
                }
            }
        }
    }
}

/// The transforms of an input's tiles.
pub(super) struct Inputs<'a> {
    pub window: &'a Window,
    pub x: &'a [f32],
    pub input: usize,
    pub tiles: Range<usize>,
    pub v: *mut f32,
    pub next_group: usize,
    pub next_point: usize,
}

impl Job for Inputs<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let group = 2 * V::LANES;
        let [height, width] = self.window.size;
        for (g, first) in self.tiles.clone().step_by(group).enumerate() {
            // Beyond the last tile there are zeros, or a tile before.
            let mut pixels = [0.0; POINTS * 2 * MOST];
            for (lane, tile) in (first..self.tiles.end.min(first + group)).enumerate() {
                let [n, top, left] = place(self.window, tile);
                let plane = (n * self.window.inputs + self.input) * height * width;
                let plane = &self.x[plane..][..height * width];
                let corner = [top as isize - self.window.before[0], left as isize - self.window.before[1]];
                gather(plane, [height, width], corner, &mut pixels[lane..], group);
            }
            for half in 0..2 {
                // SAFETY: two vectors for each of the points, here and in this input's rows.
                unsafe {
                    let mut rows = [[V::splat(0.0); 6]; 6];
                    for x in 0..6 {
                        let mut column = [V::splat(0.0); 6];
                        for y in 0..6 {
                            column[y] = V::load(pixels.as_ptr().add((6 * y + x) * group + half * V::LANES));
                        }
                        let found = of_input(column);
                        for y in 0..6 {
                            rows[y][x] = found[y];
                        }
                    }
                    for y in 0..6 {
                        let found = of_input(rows[y]);
                        for x in 0..6 {
                            let at = g * self.next_group + (6 * y + x) * self.next_point + half * V::LANES;
                            found[x].store(self.v.add(at));
                        }
                    }
                }
            }
        }
    }
}

/// The picture of a tile, and the row and column of its first output.
#[inline(always)]
fn place(window: &Window, tile: usize) -> [usize; 3] {
    let [rows, columns] = tiles(window);
    [tile / (rows * columns), tile / columns % rows * 4, tile % columns * 4]
}

/// Six rows of six pixels, every `apart` numbers of `to`, with zeros around the picture.
#[inline(always)]
fn gather(plane: &[f32], [height, width]: [usize; 2], [top, left]: [isize; 2], to: &mut [f32], apart: usize) {
    for i in 0..6 {
        let y = top + i as isize;
        let to = &mut to[6 * i * apart..];
        if y < 0 || y as usize >= height {
            (0..6).for_each(|j| to[j * apart] = 0.0);
            continue;
        }
        let row = &plane[y as usize * width..][..width];
        if left >= 0 && left as usize + 6 <= width {
            let six = &row[left as usize..][..6];
            (0..6).for_each(|j| to[j * apart] = six[j]);
        } else {
            (0..6).for_each(|j| {
                let x = left + j as isize;
                to[j * apart] = if x < 0 { 0.0 } else { row.get(x as usize).copied().unwrap_or(0.0) };
            });
        }
    }
}

/// A product of matrices.
pub(super) struct Multiply {
    pub product: Product,
    pub rows: usize,
    pub columns: usize,
}

impl Job for Multiply {
    #[inline(always)]
    fn run<V: Vector>(self) {
        // SAFETY: the matrices have as many rows, columns and terms.
        unsafe { self.product.run::<V>(self.rows, self.columns) };
    }
}

/// The outputs of a channel's tiles.
pub(super) struct Outputs<'a> {
    pub window: &'a Window,
    pub output: usize,
    pub bias: f32,
    pub tiles: Range<usize>,
    pub m: *const f32,
    pub next_group: usize,
    pub next_point: usize,
    pub out: &'a Shared<f32>,
}

impl Job for Outputs<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let group = 2 * V::LANES;
        let [height, width] = self.window.out;
        for (g, first) in self.tiles.clone().step_by(group).enumerate() {
            let mut pixels = [0.0; 16 * 2 * MOST];
            for half in 0..2 {
                // SAFETY: two vectors for each of the points in this output's rows, and here.
                unsafe {
                    let mut rows = [[V::splat(0.0); 6]; 4];
                    for x in 0..6 {
                        let mut column = [V::splat(0.0); 6];
                        for y in 0..6 {
                            let at = g * self.next_group + (6 * y + x) * self.next_point + half * V::LANES;
                            column[y] = V::load(self.m.add(at));
                        }
                        let found = of_output(column);
                        for y in 0..4 {
                            rows[y][x] = found[y];
                        }
                    }
                    for y in 0..4 {
                        let found = of_output(rows[y]);
                        for x in 0..4 {
                            let pixel = found[x].add(V::splat(self.bias));
                            pixel.store(pixels.as_mut_ptr().add((4 * y + x) * group + half * V::LANES));
                        }
                    }
                }
            }
            for (lane, tile) in (first..self.tiles.end.min(first + group)).enumerate() {
                let [n, top, left] = place(self.window, tile);
                let plane = (n * self.window.outputs + self.output) * height * width;
                for y in 0..4.min(height - top) {
                    for x in 0..4.min(width - left) {
                        let at = plane + (top + y) * width + left + x;
                        // SAFETY: an output of this channel and these tiles, which no other job writes.
                        unsafe { *self.out.part(at) = pixels[(4 * y + x) * group + lane] };
                    }
                }
            }
        }
    }
}
