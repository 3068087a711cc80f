#![expect(unsafe_code, reason = "vector instructions, and loads whose bounds are the caller's promise")]

use std::arch::x86_64::*;

use super::Dots;
use crate::kernel::simd::avx2::Avx2;

/// Products of bytes with AVX2: `vpmaddubsw` multiplies unsigned with signed bytes, so weights give their signs to the other
/// factor. It adds two products in 16 bits, which hold at most 2·128·127 = 32512: the other factor is never −128.
pub(crate) struct Avx2Dots;

// SAFETY of every block: only `DotIsa::run` names this type, where the processor has AVX2. Loads also rely on their callers'
// promises.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason, given above, holds for all of them")]
impl Dots for Avx2Dots {
    type Floats = Avx2;
    type Sums = __m256i;
    type Weights = __m256i;

    const ROWS: usize = 4;
    const UNSIGNED: bool = false;

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
        unsafe {
            let x = _mm256_sign_epi8(_mm256_set1_epi32(x), weights);
            let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), x);
            _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }

    #[inline(always)]
    fn to_floats(sums: __m256i) -> Avx2 {
        Avx2(unsafe { _mm256_cvtepi32_ps(sums) })
    }
}
