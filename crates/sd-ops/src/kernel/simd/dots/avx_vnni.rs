#![expect(unsafe_code, reason = "vector instructions, and loads whose bounds are the caller's promise")]

use std::arch::x86_64::*;

use super::Dots;
use crate::kernel::simd::avx2::Avx2;

/// Products of bytes with AVX-VNNI: `vpdpbusd` multiplies unsigned with signed bytes, and adds four products in 32 bits.
pub(crate) struct AvxVnni;

// SAFETY of every block: only `DotIsa::run` names this type, where the processor has AVX2 and AVX-VNNI. Loads also rely on
// their callers' promises.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason, given above, holds for all of them")]
impl Dots for AvxVnni {
    type Floats = Avx2;
    type Sums = __m256i;
    type Weights = __m256i;

    const ROWS: usize = 4;
    const UNSIGNED: bool = true;

    #[inline(always)]
    fn splat(sum: i32) -> __m256i {
        unsafe { _mm256_set1_epi32(sum) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> __m256i {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    fn add(sums: __m256i, weights: __m256i, x: i32) -> __m256i {
        unsafe { _mm256_dpbusd_avx_epi32(sums, weights, _mm256_set1_epi32(x)) }
    }

    #[inline(always)]
    fn to_floats(sums: __m256i) -> Avx2 {
        Avx2(unsafe { _mm256_cvtepi32_ps(sums) })
    }
}
