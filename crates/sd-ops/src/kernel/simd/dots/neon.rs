#![expect(unsafe_code, reason = "vector instructions, and loads whose bounds are the caller's promise")]

use std::arch::aarch64::*;
use std::arch::asm;

use super::Dots;
use crate::kernel::simd::neon::Neon;

/// Products of bytes with NEON's DotProd: `sdot` adds four products of signed bytes in 32 bits.
pub(crate) struct NeonDots;

// SAFETY of every block: only `DotIsa::run` names this type, where the processor has NEON and DotProd. Loads also rely on
// their callers' promises.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason, given above, holds for all of them")]
impl Dots for NeonDots {
    type Floats = Neon;
    type Sums = [int32x4_t; 2];
    type Weights = [int8x16_t; 2];

    const ROWS: usize = 4;
    const UNSIGNED: bool = false;

    #[inline(always)]
    fn splat(sum: i32) -> Self::Sums {
        [unsafe { vdupq_n_s32(sum) }; 2]
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self::Weights {
        unsafe { [vld1q_s8(from.cast()), vld1q_s8(from.add(16).cast())] }
    }

    #[inline(always)]
    fn add([mut low, mut high]: Self::Sums, weights: Self::Weights, x: i32) -> Self::Sums {
        // The intrinsic is not stable yet.
        unsafe {
            let x = vdupq_n_s32(x);
            asm!(
                ".arch_extension dotprod",
                "sdot {low:v}.4s, {first:v}.16b, {x:v}.16b",
                "sdot {high:v}.4s, {second:v}.16b, {x:v}.16b",
                low = inout(vreg) low,
                high = inout(vreg) high,
                first = in(vreg) weights[0],
                second = in(vreg) weights[1],
                x = in(vreg) x,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        [low, high]
    }

    #[inline(always)]
    fn to_floats(sums: Self::Sums) -> Neon {
        Neon(sums.map(|sums| unsafe { vcvtq_f32_s32(sums) }))
    }
}
