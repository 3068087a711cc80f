#![expect(unsafe_code, reason = "vector instructions, and loads and stores whose bounds are the caller's promise")]

use std::arch::x86_64::*;

use super::exp::{EXP, EXP_RANGE, EXP2, EXP2_RANGE, LN_2};
use super::vector::Vector;

/// An AVX2 register.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(pub(super) __m256);

// SAFETY of every block: only `Isa::run` names this type, where the processor has AVX2 and FMA. Loads, stores and
// transpositions also rely on their callers' promises.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason, given above, holds for all of them")]
impl Vector for Avx2 {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) };
    }

    #[inline(always)]
    fn prefetch(from: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(unsafe { _mm256_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, term.0) })
    }

    #[inline(always)]
    fn where_negative(self, below: Self, other: Self) -> Self {
        Self(unsafe { _mm256_blendv_ps(other.0, below.0, self.0) })
    }

    #[inline(always)]
    fn exp(self) -> Self {
        unsafe {
            // If one operand is NaN, these instructions return the second.
            let x = _mm256_max_ps(_mm256_set1_ps(EXP_RANGE[0]), _mm256_min_ps(_mm256_set1_ps(EXP_RANGE[1]), self.0));
            let scaled = _mm256_mul_ps(x, _mm256_set1_ps(std::f32::consts::LOG2_E));
            let n = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(scaled);
            let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(LN_2[0]), x);
            let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(LN_2[1]), r);
            let mut p = _mm256_set1_ps(EXP[0]);
            for c in &EXP[1..] {
                p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(*c));
            }
            let p = _mm256_add_ps(_mm256_fmadd_ps(_mm256_mul_ps(p, r), r, r), _mm256_set1_ps(1.0));
            let exponent = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)));
            Self(_mm256_mul_ps(p, _mm256_castsi256_ps(exponent)))
        }
    }

    #[inline(always)]
    fn exp2(self) -> Self {
        unsafe {
            let x = _mm256_max_ps(_mm256_set1_ps(EXP2_RANGE[0]), _mm256_min_ps(_mm256_set1_ps(EXP2_RANGE[1]), self.0));
            let n = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
            let r = _mm256_sub_ps(x, n);
            let mut p = _mm256_set1_ps(EXP2[0]);
            for c in &EXP2[1..] {
                p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(*c));
            }
            let p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0));
            let exponent = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)));
            Self(_mm256_mul_ps(p, _mm256_castsi256_ps(exponent)))
        }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        unsafe {
            let halves = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            let pairs = _mm_add_ps(halves, _mm_movehl_ps(halves, halves));
            _mm_cvtss_f32(_mm_add_ss(pairs, _mm_shuffle_ps::<1>(pairs, pairs)))
        }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        unsafe {
            let halves = _mm_max_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
            let pairs = _mm_max_ps(halves, _mm_movehl_ps(halves, halves));
            _mm_cvtss_f32(_mm_max_ss(pairs, _mm_shuffle_ps::<1>(pairs, pairs)))
        }
    }

    #[inline(always)]
    unsafe fn load_fours(from: &[*const f32]) -> [Self; 4] {
        unsafe {
            let mut rows = [_mm256_setzero_ps(); 4];
            for i in 0..4 {
                rows[i] = both(*from.get_unchecked(i), *from.get_unchecked(i + 4));
            }
            let [a, b, c, d] = turned(rows);
            [Self(a), Self(b), Self(c), Self(d)]
        }
    }

    #[inline(always)]
    unsafe fn store_fours([a, b, c, d]: [Self; 4], to: &[*mut f32]) {
        unsafe {
            let rows = turned([a.0, b.0, c.0, d.0]);
            for i in 0..4 {
                _mm_storeu_ps(*to.get_unchecked(i), _mm256_castps256_ps128(rows[i]));
                _mm_storeu_ps(*to.get_unchecked(i + 4), _mm256_extractf128_ps::<1>(rows[i]));
            }
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, apart: usize, to: *mut f32, apart_to: usize) {
        unsafe {
            for half in 0..2 {
                let mut rows = [_mm256_setzero_ps(); 4];
                for i in 0..4 {
                    let from = from.add(4 * half + i * apart);
                    rows[i] = both(from, from.add(4 * apart));
                }
                let columns = turned(rows);
                for i in 0..4 {
                    _mm256_storeu_ps(to.add((4 * half + i) * apart_to), columns[i]);
                }
            }
        }
    }
}

/// Transposes four rows of four values in each half.
#[inline(always)]
fn turned([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    // SAFETY: as for the whole module.
    unsafe {
        let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        [
            _mm256_shuffle_ps::<0x44>(ab_low, cd_low),
            _mm256_shuffle_ps::<0xee>(ab_low, cd_low),
            _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
        ]
    }
}

/// Loads four values from each of two places.
///
/// # Safety
///
/// Those values can be read.
#[inline(always)]
unsafe fn both(near: *const f32, far: *const f32) -> __m256 {
    // SAFETY: the caller's promise, and as for the whole module.
    unsafe { _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(_mm_loadu_ps(near)), _mm_loadu_ps(far)) }
}
