#![expect(unsafe_code, reason = "vector instructions, and loads and stores whose bounds are the caller's promise")]

use std::arch::aarch64::*;

use super::exp::{EXP, EXP_RANGE, EXP2, EXP2_RANGE, LN_2};
use super::vector::Vector;

/// Two NEON registers: as many values as one register of AVX2, and as many pairs as AVX2 has registers.
#[derive(Clone, Copy)]
pub(crate) struct Neon(pub(super) [float32x4_t; 2]);

impl Neon {
    #[inline(always)]
    fn map(self, other: Self, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Self {
        Self([f(self.0[0], other.0[0]), f(self.0[1], other.0[1])])
    }

    #[inline(always)]
    fn each(self, f: impl Fn(float32x4_t) -> float32x4_t) -> Self {
        Self([f(self.0[0]), f(self.0[1])])
    }
}

// SAFETY of every block: only `Isa::run` names this type, where the processor has NEON. Loads, stores and
// transpositions also rely on their callers' promises.
#[expect(clippy::undocumented_unsafe_blocks, reason = "one reason, given above, holds for all of them")]
impl Vector for Neon {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([unsafe { vdupq_n_f32(value) }; 2])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { [vld1q_f32(from), vld1q_f32(from.add(4))] })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe {
            vst1q_f32(to, self.0[0]);
            vst1q_f32(to.add(4), self.0[1]);
        }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.map(other, |a, b| unsafe { vaddq_f32(a, b) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.map(other, |a, b| unsafe { vsubq_f32(a, b) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.map(other, |a, b| unsafe { vmulq_f32(a, b) })
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.map(other, |a, b| unsafe { vdivq_f32(a, b) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // If one value is NaN, the result is the second, as on other processors.
        self.map(other, |a, b| unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        let [a, b] = [0, 1].map(|i| unsafe { vfmaq_f32(term.0[i], self.0[i], factor.0[i]) });
        Self([a, b])
    }

    #[inline(always)]
    fn where_negative(self, below: Self, other: Self) -> Self {
        let [a, b] = [0, 1].map(|i| unsafe {
            let negative = vcltzq_s32(vreinterpretq_s32_f32(self.0[i]));
            vbslq_f32(negative, below.0[i], other.0[i])
        });
        Self([a, b])
    }

    #[inline(always)]
    fn exp(self) -> Self {
        self.each(|x| unsafe {
            let x = within(x, EXP_RANGE);
            let n = vrndnq_f32(vmulq_n_f32(x, std::f32::consts::LOG2_E));
            let r = vfmsq_n_f32(x, n, LN_2[0]);
            let r = vfmsq_n_f32(r, n, LN_2[1]);
            let p = polynomial(EXP, r);
            let p = vaddq_f32(vfmaq_f32(r, vmulq_f32(p, r), r), vdupq_n_f32(1.0));
            vmulq_f32(p, power(n))
        })
    }

    #[inline(always)]
    fn exp2(self) -> Self {
        self.each(|x| unsafe {
            let x = within(x, EXP2_RANGE);
            let n = vrndnq_f32(x);
            let r = vsubq_f32(x, n);
            let p = vfmaq_f32(vdupq_n_f32(1.0), polynomial(EXP2, r), r);
            vmulq_f32(p, power(n))
        })
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        unsafe { vaddvq_f32(vaddq_f32(self.0[0], self.0[1])) }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        unsafe { vmaxvq_f32(vmaxq_f32(self.0[0], self.0[1])) }
    }

    #[inline(always)]
    unsafe fn load_fours(from: &[*const f32]) -> [Self; 4] {
        unsafe {
            let mut columns = [[vdupq_n_f32(0.0); 2]; 4];
            for half in 0..2 {
                let row = |i: usize| vld1q_f32(*from.get_unchecked(4 * half + i));
                let turned = turned([row(0), row(1), row(2), row(3)]);
                for i in 0..4 {
                    columns[i][half] = turned[i];
                }
            }
            columns.map(Self)
        }
    }

    #[inline(always)]
    unsafe fn store_fours([a, b, c, d]: [Self; 4], to: &[*mut f32]) {
        unsafe {
            for half in 0..2 {
                let rows = turned([a.0[half], b.0[half], c.0[half], d.0[half]]);
                for i in 0..4 {
                    vst1q_f32(*to.get_unchecked(4 * half + i), rows[i]);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn transpose(from: *const f32, apart: usize, to: *mut f32, apart_to: usize) {
        unsafe {
            for row in [0, 4] {
                for column in [0, 4] {
                    let read = |i: usize| vld1q_f32(from.add((row + i) * apart + column));
                    let columns = turned([read(0), read(1), read(2), read(3)]);
                    for i in 0..4 {
                        vst1q_f32(to.add((column + i) * apart_to + row), columns[i]);
                    }
                }
            }
        }
    }
}

/// Clamps values to the range from `low` to `high`. NaN stays NaN.
#[inline(always)]
fn within(x: float32x4_t, [low, high]: [f32; 2]) -> float32x4_t {
    // SAFETY: as for the whole module. Unlike `vmaxnmq_f32`, both return NaN if either operand is NaN.
    unsafe { vmaxq_f32(vminq_f32(x, vdupq_n_f32(high)), vdupq_n_f32(low)) }
}

/// Evaluates a polynomial with coefficients from the highest power.
#[inline(always)]
fn polynomial(coefficients: [f32; 6], r: float32x4_t) -> float32x4_t {
    // SAFETY: as for the whole module.
    unsafe {
        let mut p = vdupq_n_f32(coefficients[0]);
        for c in &coefficients[1..] {
            p = vfmaq_f32(vdupq_n_f32(*c), p, r);
        }
        p
    }
}

/// Returns 2 to the power of integers.
#[inline(always)]
fn power(n: float32x4_t) -> float32x4_t {
    // SAFETY: as for the whole module.
    unsafe { vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)))) }
}

/// Transposes four rows of four values.
#[inline(always)]
fn turned([a, b, c, d]: [float32x4_t; 4]) -> [float32x4_t; 4] {
    // SAFETY: as for the whole module.
    unsafe {
        let wide = |x| vreinterpretq_f64_f32(x);
        let (ab_even, ab_odd) = (wide(vtrn1q_f32(a, b)), wide(vtrn2q_f32(a, b)));
        let (cd_even, cd_odd) = (wide(vtrn1q_f32(c, d)), wide(vtrn2q_f32(c, d)));
        [
            vreinterpretq_f32_f64(vtrn1q_f64(ab_even, cd_even)),
            vreinterpretq_f32_f64(vtrn1q_f64(ab_odd, cd_odd)),
            vreinterpretq_f32_f64(vtrn2q_f64(ab_even, cd_even)),
            vreinterpretq_f32_f64(vtrn2q_f64(ab_odd, cd_odd)),
        ]
    }
}
