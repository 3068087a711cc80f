//! What the kernels ask of a processor: a few operations on vectors of `f32`, chosen when the program runs.

#![expect(
    unsafe_code,
    reason = "vector instructions and the loads and stores of kernels that have checked their slices"
)]

/// A vector of numbers.
///
/// Every method of [`Avx2`] asks for a processor that has AVX2 and FMA: [`Level::run`] is who knows.
pub(crate) trait Vector: Copy {
    /// Numbers in a vector.
    const LANES: usize;

    /// All lanes the same.
    fn splat(value: f32) -> Self;

    /// # Safety
    ///
    /// `LANES` numbers from `from` can be read.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    ///
    /// `LANES` numbers from `to` can be written.
    unsafe fn store(self, to: *mut f32);

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;

    /// `self · factor + term`.
    fn mul_add(self, factor: Self, term: Self) -> Self;

    /// `e` to the power of each lane: relative error below 2e-7 from −87 to 88; beyond, the value there.
    fn exp(self) -> Self;

    /// The sum of the lanes.
    fn sum(self) -> f32;

    /// Rows to columns: `LANES` rows of `LANES` numbers, `apart` from each other, to rows that lie `apart_to`.
    ///
    /// # Safety
    ///
    /// Those rows can be read from `from` and written from `to`, which do not overlap.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, apart: usize, to: *mut f32, apart_to: usize) {
        for row in 0..Self::LANES {
            for column in 0..Self::LANES {
                // SAFETY: both are within the rows of the caller's promise.
                unsafe { *to.add(column * apart_to + row) = *from.add(row * apart + column) };
            }
        }
    }
}

/// Work that is written once for all vectors; `run` has to be `#[inline(always)]`, and all it calls.
pub(crate) trait Job {
    fn run<V: Vector>(self);
}

/// What the processor can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Level {
    /// Whatever the program was compiled for.
    Plain,
    /// The same in vectors of sixteen, which no processor of today's kernels has.
    #[cfg(test)]
    Wide,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(HasAvx2),
}

/// The proof that the processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasAvx2(());

impl Level {
    /// The best of this processor.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Self::Avx2(HasAvx2(()));
        }
        Self::Plain
    }

    /// Numbers in a vector.
    pub fn lanes(self) -> usize {
        match self {
            Self::Plain => Plain::<8>::LANES,
            #[cfg(test)]
            Self::Wide => Plain::<16>::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Avx2::LANES,
        }
    }

    #[inline]
    pub fn run<J: Job>(self, job: J) {
        match self {
            Self::Plain => job.run::<Plain<8>>(),
            #[cfg(test)]
            Self::Wide => job.run::<Plain<16>>(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has both, or there would be no `HasAvx2`.
            Self::Avx2(HasAvx2(())) => unsafe { with_avx2(job) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<J: Job>(job: J) {
    job.run::<Avx2>();
}

/// Coefficients of `(e^r - 1 - r) / r²` for `|r| <= ln 2 / 2`, from the highest power: 1/7!, 1/6!, ….
const EXP: [f32; 6] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];
/// Of `ln 2` the leading bits, which any exponent multiplies exactly, and the rest.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Where `e^x` is finite and normal.
const EXP_RANGE: [f32; 2] = [-87.0, 88.0];

/// Numbers that the compiler may put into registers as it likes.
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
        // SAFETY: the caller's promise; an array of numbers is aligned as one of them.
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

    // Rounded twice: once would be a call of a function where the processor has no instruction for it.
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        self.mul(factor).add(term)
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
    fn sum(self) -> f32 {
        self.0.iter().sum()
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{EXP, EXP_RANGE, LN_2, Vector};

    /// A register of AVX2.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(__m256);

    // SAFETY of every block: `Level::run` alone names this type, where the processor has AVX2 and FMA; a load, a store
    // and a transposition stand on their callers' promises besides.
    #[expect(clippy::undocumented_unsafe_blocks, reason = "the reason is the same for all, and stands above")]
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
        fn mul_add(self, factor: Self, term: Self) -> Self {
            Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, term.0) })
        }

        #[inline(always)]
        fn exp(self) -> Self {
            unsafe {
                let x =
                    _mm256_max_ps(_mm256_min_ps(self.0, _mm256_set1_ps(EXP_RANGE[1])), _mm256_set1_ps(EXP_RANGE[0]));
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
        fn sum(self) -> f32 {
            unsafe {
                let halves = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
                let pairs = _mm_add_ps(halves, _mm_movehl_ps(halves, halves));
                _mm_cvtss_f32(_mm_add_ss(pairs, _mm_shuffle_ps::<1>(pairs, pairs)))
            }
        }

        #[inline(always)]
        unsafe fn transpose(from: *const f32, apart: usize, to: *mut f32, apart_to: usize) {
            unsafe {
                for half in 0..2 {
                    let quarter = from.add(4 * half);
                    let [a, b] = [both(quarter, apart), both(quarter.add(apart), apart)];
                    let [c, d] = [both(quarter.add(2 * apart), apart), both(quarter.add(3 * apart), apart)];
                    let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                    let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                    let to = to.add(4 * half * apart_to);
                    _mm256_storeu_ps(to, _mm256_shuffle_ps::<0x44>(ab_low, cd_low));
                    _mm256_storeu_ps(to.add(apart_to), _mm256_shuffle_ps::<0xee>(ab_low, cd_low));
                    _mm256_storeu_ps(to.add(2 * apart_to), _mm256_shuffle_ps::<0x44>(ab_high, cd_high));
                    _mm256_storeu_ps(to.add(3 * apart_to), _mm256_shuffle_ps::<0xee>(ab_high, cd_high));
                }
            }
        }
    }

    /// Four numbers, and the four that lie four rows further.
    ///
    /// # Safety
    ///
    /// As of [`Vector::transpose`].
    #[inline(always)]
    unsafe fn both(from: *const f32, apart: usize) -> __m256 {
        // SAFETY: the caller's promise, and that of the whole module.
        unsafe {
            let (near, far) = (_mm_loadu_ps(from), _mm_loadu_ps(from.add(4 * apart)));
            _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(near), far)
        }
    }
}
