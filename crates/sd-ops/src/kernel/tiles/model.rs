//! A portable model of the tiles, so that all that uses them is tested on any processor.

#![expect(unsafe_code, reason = "loads and stores whose bounds are the caller's promise")]

use super::{EDGE, LANES, Tiles};

/// Eight tiles in memory.
pub(crate) struct Model([[f32; LANES]; 8]);

impl Model {
    /// Returns tiles with nothing in them: NaN, which would show where they are read.
    pub fn new() -> Self {
        Self([[f32::NAN; LANES]; 8])
    }
}

impl Tiles for Model {
    fn zero<const TILE: usize>(&mut self) {
        self.0[TILE] = [0.0; LANES];
    }

    unsafe fn load<const TILE: usize>(&mut self, from: *const f32, apart: usize) {
        for (row, to) in self.0[TILE].chunks_exact_mut(EDGE).enumerate() {
            // SAFETY: the caller's promise.
            to.copy_from_slice(unsafe { std::slice::from_raw_parts(from.add(row * apart), EDGE) });
        }
    }

    unsafe fn store<const TILE: usize>(&self, to: *mut f32, apart: usize) {
        for (row, from) in self.0[TILE].chunks_exact(EDGE).enumerate() {
            // SAFETY: the caller's promise.
            unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to.add(row * apart), EDGE) };
        }
    }

    /// As `tdpbf16ps`: the first values of the pairs and the second ones have a sum each, whose sum is added. Products of
    /// two values in bf16 are exact in single precision.
    fn dot<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self) {
        let right = self.0[RIGHT].map(values);
        for row in 0..EDGE {
            let mut sums = [[0.0; 2]; EDGE];
            for (pair, columns) in right.chunks_exact(EDGE).enumerate() {
                let left = values(self.0[LEFT][row * EDGE + pair]);
                for (sums, right) in sums.iter_mut().zip(columns) {
                    sums[0] += left[0] * right[0];
                    sums[1] += left[1] * right[1];
                }
            }
            for (to, [first, second]) in self.0[SUM][row * EDGE..][..EDGE].iter_mut().zip(sums) {
                *to += first + second;
            }
        }
    }
}

/// Returns the two values of a lane. The instruction takes subnormal ones for zero.
fn values(lane: f32) -> [f32; 2] {
    [lane.to_bits() << 16, lane.to_bits() & 0xffff_0000].map(|bits| {
        let value = f32::from_bits(bits);
        if value.is_subnormal() { 0.0 } else { value }
    })
}
