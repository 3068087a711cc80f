#![expect(unsafe_code, reason = "loads whose bounds are the caller's promise")]

use std::marker::PhantomData;

use super::Dots;
use crate::kernel::simd::vector::Vector;

/// Products of bytes on any processor: the definition of what the instructions do.
pub(crate) struct Portable<V>(PhantomData<V>);

impl<V: Vector> Dots for Portable<V> {
    type Floats = V;
    type Sums = [i32; 16];
    type Weights = [i8; 64];

    const ROWS: usize = 4;
    const UNSIGNED: bool = false;

    #[inline(always)]
    fn splat(sum: i32) -> Self::Sums {
        [sum; 16]
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self::Weights {
        let mut weights = [0; 64];
        // SAFETY: the caller's promise; a vector has at most sixteen lanes.
        unsafe { std::ptr::copy_nonoverlapping(from.cast(), weights.as_mut_ptr(), 4 * V::LANES) };
        weights
    }

    #[inline(always)]
    fn add(mut sums: Self::Sums, weights: Self::Weights, x: i32) -> Self::Sums {
        let x = x.to_ne_bytes().map(|byte| i32::from(byte as i8));
        for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<4>().0).take(V::LANES) {
            for i in 0..4 {
                *sum += i32::from(weights[i]) * x[i];
            }
        }
        sums
    }

    #[inline(always)]
    fn to_floats(sums: Self::Sums) -> V {
        V::from_lanes(sums.map(|sum| sum as f32))
    }
}
