#![expect(unsafe_code, reason = "vector instructions, and loads and stores whose bounds are the caller's promise")]

use super::exp::{EXP, EXP_RANGE, EXP2, EXP2_RANGE, LN_2};
use super::vector::Vector;

/// An array, which the compiler may keep in registers.
#[derive(Clone, Copy)]
pub(crate) struct Plain<const LANES: usize>([f32; LANES]);

impl<const LANES: usize> Plain<LANES> {
    #[inline(always)]
    fn map(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl<const LANES: usize> Vector for Plain<LANES> {
    const LANES: usize = LANES;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise; an array has the alignment of its elements.
        Self(unsafe { *from.cast() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { *to.cast() = self.0 };
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.map(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.map(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.map(other, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.map(other, |a, b| a / b)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.map(other, |a, b| if a > b { a } else { b })
    }

    // Rounds twice: rounding once would call a function on processors without an instruction for it.
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        self.mul(factor).add(term)
    }

    #[inline(always)]
    fn where_negative(self, below: Self, other: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i].is_sign_negative() { below.0[i] } else { other.0[i] }))
    }

    #[inline(always)]
    fn exp(self) -> Self {
        Self(self.0.map(|x| {
            let x = x.clamp(EXP_RANGE[0], EXP_RANGE[1]);
            let n = (x * std::f32::consts::LOG2_E).round_ties_even();
            let r = x - n * LN_2[0] - n * LN_2[1];
            let p = EXP.iter().fold(0.0, |p, c| p * r + c);
            (p * r * r + r + 1.0) * f32::from_bits(((n as i32 + 127) << 23) as u32)
        }))
    }

    #[inline(always)]
    fn exp2(self) -> Self {
        Self(self.0.map(|x| {
            let x = x.clamp(EXP2_RANGE[0], EXP2_RANGE[1]);
            let n = x.round_ties_even();
            let r = x - n;
            let p = EXP2.iter().fold(0.0, |p, c| p * r + c);
            (p * r + 1.0) * f32::from_bits(((n as i32 + 127) << 23) as u32)
        }))
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        self.0.iter().sum()
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        self.0.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}
