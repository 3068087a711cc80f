#![expect(unsafe_code, reason = "vector instructions, and loads and stores whose bounds are the caller's promise")]

use std::arch::x86_64::*;

use super::exp::{EXP, EXP_RANGE, EXP2, EXP2_RANGE, LN_2};
use super::vector::Vector;

/// An AVX-512 register.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(pub(super) __m512);

// SAFETY of every block: only `Isa::run` names this type, where the processor has AVX-512 F and DQ, and kernels use pairs
// only where it has BW and BF16 too. Loads, stores and transpositions also rely on their callers' promises.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason, given above, holds for all of them")]
impl Vector for Avx512 {
    const LANES: usize = 16;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) };
    }

    #[inline(always)]
    fn prefetch(from: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Self(unsafe { _mm512_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, term.0) })
    }

    #[inline(always)]
    fn where_negative(self, below: Self, other: Self) -> Self {
        unsafe {
            let negative = _mm512_movepi32_mask(_mm512_castps_si512(self.0));
            Self(_mm512_mask_blend_ps(negative, other.0, below.0))
        }
    }

    #[inline(always)]
    fn exp(self) -> Self {
        unsafe {
            // If one operand is NaN, these instructions return the second.
            let x = _mm512_max_ps(_mm512_set1_ps(EXP_RANGE[0]), _mm512_min_ps(_mm512_set1_ps(EXP_RANGE[1]), self.0));
            let scaled = _mm512_mul_ps(x, _mm512_set1_ps(std::f32::consts::LOG2_E));
            let n = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(scaled);
            let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(LN_2[0]), x);
            let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(LN_2[1]), r);
            let mut p = _mm512_set1_ps(EXP[0]);
            for c in &EXP[1..] {
                p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(*c));
            }
            let p = _mm512_add_ps(_mm512_fmadd_ps(_mm512_mul_ps(p, r), r, r), _mm512_set1_ps(1.0));
            Self(_mm512_scalef_ps(p, n))
        }
    }

    #[inline(always)]
    fn exp2(self) -> Self {
        unsafe {
            let x = _mm512_max_ps(_mm512_set1_ps(EXP2_RANGE[0]), self.0);
            let n = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
            let r = _mm512_sub_ps(x, n);
            let mut p = _mm512_set1_ps(EXP2[0]);
            for c in &EXP2[1..] {
                p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(*c));
            }
            let p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0));
            Self(_mm512_scalef_ps(p, n))
        }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        unsafe { _mm512_reduce_add_ps(self.0) }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        unsafe { _mm512_reduce_max_ps(self.0) }
    }

    #[inline(always)]
    fn narrow(self, other: Self) -> Self {
        // SAFETY of transmuting here and below: registers of the same size, for which all bits are valid.
        Self(unsafe { std::mem::transmute::<__m512bh, __m512>(_mm512_cvtne2ps_pbh(other.0, self.0)) })
    }

    #[inline(always)]
    fn pair(self, other: Self) -> Self {
        unsafe {
            let both = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(other.0, self.0));
            let order = _mm512_loadu_si512(INTERLEAVED.as_ptr().cast());
            Self(_mm512_castsi512_ps(_mm512_permutexvar_epi16(order, both)))
        }
    }

    #[inline(always)]
    fn dot(self, other: Self, sum: Self) -> Self {
        unsafe {
            let a = std::mem::transmute::<__m512, __m512bh>(self.0);
            let b = std::mem::transmute::<__m512, __m512bh>(other.0);
            Self(_mm512_dpbf16_ps(sum.0, a, b))
        }
    }

    #[inline(always)]
    unsafe fn load_fours(from: &[*const f32]) -> [Self; 4] {
        unsafe {
            let mut rows = [_mm512_setzero_ps(); 4];
            for i in 0..4 {
                rows[i] = four([
                    *from.get_unchecked(i),
                    *from.get_unchecked(i + 4),
                    *from.get_unchecked(i + 8),
                    *from.get_unchecked(i + 12),
                ]);
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
                _mm_storeu_ps(*to.get_unchecked(i), _mm512_castps512_ps128(rows[i]));
                _mm_storeu_ps(*to.get_unchecked(i + 4), _mm512_extractf32x4_ps::<1>(rows[i]));
                _mm_storeu_ps(*to.get_unchecked(i + 8), _mm512_extractf32x4_ps::<2>(rows[i]));
                _mm_storeu_ps(*to.get_unchecked(i + 12), _mm512_extractf32x4_ps::<3>(rows[i]));
            }
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, apart: usize, to: *mut f32, apart_to: usize) {
        unsafe {
            for quarter in 0..4 {
                let mut rows = [_mm512_setzero_ps(); 4];
                for i in 0..4 {
                    let from = from.add(4 * quarter + i * apart);
                    rows[i] = four([from, from.add(4 * apart), from.add(8 * apart), from.add(12 * apart)]);
                }
                let columns = turned(rows);
                for i in 0..4 {
                    _mm512_storeu_ps(to.add((4 * quarter + i) * apart_to), columns[i]);
                }
            }
        }
    }
}

/// Takes turns between the lower and the upper half: 0, 16, 1, 17, ….
const INTERLEAVED: [u16; 32] = {
    let mut order = [0; 32];
    let mut i = 0;
    while i < 32 {
        order[i] = (i / 2 + i % 2 * 16) as u16;
        i += 1;
    }
    order
};

/// Transposes four rows of four values in each quarter.
#[inline(always)]
fn turned([a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
    // SAFETY: as for the whole module.
    unsafe {
        let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        [
            _mm512_shuffle_ps::<0x44>(ab_low, cd_low),
            _mm512_shuffle_ps::<0xee>(ab_low, cd_low),
            _mm512_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm512_shuffle_ps::<0xee>(ab_high, cd_high),
        ]
    }
}

/// Loads four values from each of four places.
///
/// # Safety
///
/// Those values can be read.
#[inline(always)]
unsafe fn four(from: [*const f32; 4]) -> __m512 {
    // SAFETY: the caller's promise, and as for the whole module.
    unsafe {
        let rows = _mm512_castps128_ps512(_mm_loadu_ps(from[0]));
        let rows = _mm512_insertf32x4::<1>(rows, _mm_loadu_ps(from[1]));
        let rows = _mm512_insertf32x4::<2>(rows, _mm_loadu_ps(from[2]));
        _mm512_insertf32x4::<3>(rows, _mm_loadu_ps(from[3]))
    }
}
