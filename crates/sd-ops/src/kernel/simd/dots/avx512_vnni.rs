#![expect(unsafe_code, reason = "vector instructions, and loads whose bounds are the caller's promise")]

use std::arch::x86_64::*;

use super::Dots;
use crate::kernel::simd::avx512::Avx512;

/// Products of bytes with AVX-512 VNNI: `vpdpbusd` multiplies unsigned with signed bytes, and adds four products in 32 bits.
pub(crate) struct Avx512Vnni;

// SAFETY of every block: only `DotIsa::run` names this type, where the processor has AVX-512 F and VNNI. Loads also rely on
// their callers' promises.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason, given above, holds for all of them")]
impl Dots for Avx512Vnni {
    type Floats = Avx512;
    type Sums = __m512i;
    type Weights = __m512i;

    const ROWS: usize = 6;
    const UNSIGNED: bool = true;

    #[inline(always)]
    fn splat(sum: i32) -> __m512i {
        unsafe { _mm512_set1_epi32(sum) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> __m512i {
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    fn add(sums: __m512i, weights: __m512i, x: i32) -> __m512i {
        unsafe { _mm512_dpbusd_epi32(sums, weights, _mm512_set1_epi32(x)) }
    }

    #[inline(always)]
    fn to_floats(sums: __m512i) -> Avx512 {
        Avx512(unsafe { _mm512_cvtepi32_ps(sums) })
    }
}
