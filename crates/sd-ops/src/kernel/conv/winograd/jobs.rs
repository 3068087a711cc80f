#![expect(unsafe_code, reason = "each job gets a part of memory that is shared by all")]

use super::tiles::{EDGE, POINTS, REACH, Tiles};
use super::transforms::{transform_input, transform_output, transform_weights};
use crate::kernel::conv::weights::Taps;
use crate::kernel::conv::window::Window;
use crate::kernel::microkernel::Product;
use crate::kernel::shared::Shared;
use crate::kernel::simd::{Job, Vector};

/// Lanes of the widest vectors.
const MOST: usize = 16;

/// Transforms an output's weights.
pub(super) struct WeightRow<'a> {
    pub taps: Taps<'a>,
    pub inputs: usize,
    pub u: *mut f32,
    /// Distance between points.
    pub point: usize,
}

impl Job for WeightRow<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Taps { values, start, inputs, rows, columns } = self.taps;
        // Whether the nine weights of an input are contiguous, and the next input's follow.
        let beside = [inputs, rows, columns] == [9, 3, 1];
        for first in (0..self.inputs).step_by(V::LANES) {
            let here = V::LANES.min(self.inputs - first);
            let mut taps = [V::splat(0.0); 9];
            if beside && here == V::LANES {
                let nine = &values[start as usize + 9 * first..][..9 * V::LANES];
                // SAFETY: the slice has nine values for each lane.
                unsafe {
                    let mut places = [nine.as_ptr(); MOST];
                    let mut fours = [[V::splat(0.0); 4]; 3];
                    for (i, offset) in [0, 4, 5].into_iter().enumerate() {
                        for lane in 0..V::LANES {
                            places[lane] = nine.as_ptr().add(9 * lane + offset);
                        }
                        fours[i] = V::load_fours(&places);
                    }
                    for i in 0..4 {
                        (taps[i], taps[4 + i]) = (fours[0][i], fours[1][i]);
                    }
                    taps[8] = fours[2][3];
                }
            } else {
                let mut lanes = [[0.0; MOST]; 9];
                for lane in 0..here {
                    let at = start + (first + lane) as isize * inputs;
                    for tap in 0..9 {
                        let (y, x) = (tap as isize / 3, tap as isize % 3);
                        lanes[tap][lane] = values[(at + y * rows + x * columns) as usize];
                    }
                }
                for tap in 0..9 {
                    // SAFETY: a vector has at most sixteen lanes.
                    taps[tap] = unsafe { V::load(lanes[tap].as_ptr()) };
                }
            }
            let mut half = [[V::splat(0.0); 3]; 6];
            for x in 0..3 {
                let found = transform_weights([taps[x], taps[3 + x], taps[6 + x]]);
                for y in 0..6 {
                    half[y][x] = found[y];
                }
            }
            for y in 0..6 {
                let found = transform_weights(half[y]);
                for x in 0..6 {
                    // SAFETY: `here` values of each point belong to this job.
                    unsafe {
                        let to = self.u.add((6 * y + x) * self.point + first);
                        if here == V::LANES {
                            found[x].store(to);
                        } else {
                            let mut lanes = [0.0; MOST];
                            found[x].store(lanes.as_mut_ptr());
                            std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, here);
                        }
                    }
                }
            }
        }
    }
}

/// Transforms the tiles of an input channel.
pub(super) struct Inputs<'a> {
    pub tiles: &'a Tiles,
    pub bands: &'a [f32],
    /// This input's row of the first point of the first group.
    pub v: *mut f32,
    /// Distance between points.
    pub point: usize,
}

impl Job for Inputs<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { tiles, bands, .. } = self;
        let furthest = tiles.sources.iter().max().map_or(0, |last| last + 5 * tiles.width + 8);
        assert!(furthest <= bands.len());
        for (half, sources) in tiles.sources.chunks_exact(V::LANES).enumerate() {
            let mut rows = [[V::splat(0.0); 6]; 6];
            for y in 0..REACH {
                let mut places = [bands.as_ptr(); MOST];
                // SAFETY: twice four values from a row of each tile, the furthest of which was asserted above.
                unsafe {
                    for lane in 0..V::LANES {
                        places[lane] = bands.as_ptr().add(sources[lane] + y * tiles.width);
                    }
                    let near = V::load_fours(&places);
                    for lane in 0..V::LANES {
                        places[lane] = places[lane].add(4);
                    }
                    let far = V::load_fours(&places);
                    rows[y] = [near[0], near[1], near[2], near[3], far[0], far[1]];
                }
            }
            let mut columns = [[V::splat(0.0); 6]; 6];
            for x in 0..6 {
                let found = transform_input([rows[0][x], rows[1][x], rows[2][x], rows[3][x], rows[4][x], rows[5][x]]);
                for y in 0..6 {
                    columns[y][x] = found[y];
                }
            }
            // SAFETY: two vectors of each point of this group belong to this input.
            unsafe {
                let v = self.v.add(half / 2 * POINTS * self.point + half % 2 * V::LANES);
                for y in 0..6 {
                    let found = transform_input(columns[y]);
                    for x in 0..6 {
                        found[x].store(v.add((6 * y + x) * self.point));
                    }
                }
            }
        }
    }
}

/// Multiplies the matrices of one point.
pub(super) struct Multiply {
    pub product: Product,
    pub rows: usize,
    pub columns: usize,
}

impl Job for Multiply {
    #[inline(always)]
    fn run<V: Vector>(self) {
        // SAFETY: the matrices have as many rows, columns and terms.
        unsafe { self.product.run::<V, false>(self.rows, self.columns) };
    }
}

/// Transforms the products of a channel's tiles to outputs.
pub(super) struct Outputs<'a> {
    pub window: &'a Window,
    pub output: usize,
    pub bias: f32,
    pub tiles: &'a Tiles,
    /// This output's row of the first point of the first group.
    pub m: *const f32,
    /// Distance between points.
    pub point: usize,
    pub out: &'a Shared<f32>,
}

impl Job for Outputs<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let channel = self.output * self.window.pixels();
        let width = self.window.out[1];
        for (half, outs) in self.tiles.outs.chunks(V::LANES).enumerate() {
            let mut rows = [[V::splat(0.0); 6]; 4];
            // SAFETY: two vectors of each point of this group were computed.
            unsafe {
                let m = self.m.add(half / 2 * POINTS * self.point + half % 2 * V::LANES);
                for x in 0..6 {
                    let mut column = [V::splat(0.0); 6];
                    for y in 0..6 {
                        column[y] = V::load(m.add((6 * y + x) * self.point));
                    }
                    let found = transform_output(column);
                    for y in 0..4 {
                        rows[y][x] = found[y];
                    }
                }
            }
            let mut whole = outs.len() == V::LANES;
            for (_, inside) in outs {
                whole &= *inside == [EDGE; 2];
            }
            for y in 0..EDGE {
                let mut pixels = transform_output(rows[y]);
                for x in 0..EDGE {
                    pixels[x] = pixels[x].add(V::splat(self.bias));
                }
                // SAFETY: outputs of this channel and these tiles, which no other job writes.
                unsafe {
                    let at = self.out.part(channel);
                    if whole {
                        let mut places = [at; MOST];
                        for lane in 0..V::LANES {
                            places[lane] = at.add(outs[lane].0 + y * width);
                        }
                        V::store_fours(pixels, &places);
                    } else {
                        let mut spare = [[0.0; EDGE]; MOST];
                        let mut places = [spare.as_mut_ptr().cast::<f32>(); MOST];
                        for lane in 0..V::LANES {
                            places[lane] = places[0].add(EDGE * lane);
                        }
                        V::store_fours(pixels, &places);
                        for (&(start, [down, across]), four) in outs.iter().zip(spare) {
                            if y < down {
                                std::ptr::copy_nonoverlapping(four.as_ptr(), at.add(start + y * width), across);
                            }
                        }
                    }
                }
            }
        }
    }
}
