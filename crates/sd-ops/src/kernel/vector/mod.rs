//! What the kernels ask of a processor: a few operations on vectors of `f32`, chosen when the program runs.
//!
//! In products of half precision a lane holds two numbers in bf16, the first one in its lower half: a pair.

#![expect(
    unsafe_code,
    reason = "vector instructions and the loads and stores of kernels that have checked their slices"
)]

use std::sync::OnceLock;

use half::bf16;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod choice;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
use neon::Neon;
use plain::Plain;

/// A vector of numbers.
///
/// Every method of [`Avx2`], [`Avx512`] and [`Neon`] asks for a processor that has those: [`Level::run`] is who knows.
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

    /// The larger of each two.
    fn max(self, other: Self) -> Self;

    /// `self · factor + term`.
    fn mul_add(self, factor: Self, term: Self) -> Self;

    /// `below` in the lanes where `self` is negative, and `other` in the rest.
    fn where_negative(self, below: Self, other: Self) -> Self;

    /// `e` to the power of each lane: relative error below 2e-7 from −87 to 88; beyond, the value there. What is not a
    /// number stays none.
    fn exp(self) -> Self;

    /// 2 to the power of each lane: relative error below 2e-7 from −126 to 126; below, the value at −126. What is not a
    /// number stays none.
    fn exp2(self) -> Self;

    /// The sum of the lanes.
    fn sum(self) -> f32;

    /// The numbers of `self` and then those of `other`, rounded, two in each lane.
    #[inline(always)]
    fn narrow(self, other: Self) -> Self {
        let [first, second] = [self.lanes(), other.lanes()];
        let number = |i: usize| if i < Self::LANES { first[i] } else { second[i - Self::LANES] };
        Self::of(std::array::from_fn(
            |i| if i < Self::LANES { together(number(2 * i), number(2 * i + 1)) } else { 0.0 },
        ))
    }

    /// Each lane's number of `self` and that of `other`, rounded, in one lane.
    #[inline(always)]
    fn pair(self, other: Self) -> Self {
        let [low, high] = [self.lanes(), other.lanes()];
        Self::of(std::array::from_fn(|i| together(low[i], high[i])))
    }

    /// `sum` and the products of each lane's two numbers with those of `other`'s.
    #[inline(always)]
    fn dot(self, other: Self, sum: Self) -> Self {
        let [a, b, sum] = [self.lanes(), other.lanes(), sum.lanes()];
        Self::of(std::array::from_fn(|i| {
            let ([a_low, a_high], [b_low, b_high]) = (apart(a[i]), apart(b[i]));
            sum[i] + a_low * b_low + a_high * b_high
        }))
    }

    /// The lanes, and zeros.
    #[inline(always)]
    fn lanes(self) -> [f32; 16] {
        let mut lanes = [0.0; 16];
        // SAFETY: a vector has at most sixteen lanes.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes
    }

    /// As many of these as there are lanes.
    #[inline(always)]
    fn of(lanes: [f32; 16]) -> Self {
        // SAFETY: as above.
        unsafe { Self::load(lanes.as_ptr()) }
    }

    /// The largest lane.
    fn largest(self) -> f32;

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

    /// Four numbers from each of `LANES` places: a vector of the first of each, one of the second, and so on.
    ///
    /// # Safety
    ///
    /// There are so many places, from which four numbers each can be read.
    #[inline(always)]
    unsafe fn load_fours(from: &[*const f32]) -> [Self; 4] {
        let mut lanes = [[0.0; 16]; 4];
        for lane in 0..Self::LANES {
            for i in 0..4 {
                // SAFETY: the caller's promise.
                lanes[i][lane] = unsafe { *from.get_unchecked(lane).add(i) };
            }
        }
        // SAFETY: a vector has at most sixteen lanes.
        lanes.map(|lanes| unsafe { Self::load(lanes.as_ptr()) })
    }

    /// What [`load_fours`](Self::load_fours) has read, to as many places.
    ///
    /// # Safety
    ///
    /// There are so many places, to which four numbers each can be written.
    #[inline(always)]
    unsafe fn store_fours(fours: [Self; 4], to: &[*mut f32]) {
        let mut lanes = [[0.0; 16]; 4];
        for i in 0..4 {
            // SAFETY: a vector has at most sixteen lanes.
            unsafe { fours[i].store(lanes[i].as_mut_ptr()) };
        }
        for lane in 0..Self::LANES {
            for i in 0..4 {
                // SAFETY: the caller's promise.
                unsafe { *to.get_unchecked(lane).add(i) = lanes[i][lane] };
            }
        }
    }
}

/// Two numbers as one lane.
fn together(low: f32, high: f32) -> f32 {
    let [low, high] = [low, high].map(|number| u32::from(bf16::from_f32(number).to_bits()));
    f32::from_bits(high << 16 | low)
}

/// The two numbers of a lane.
fn apart(lane: f32) -> [f32; 2] {
    [lane.to_bits() << 16, lane.to_bits() & 0xffff_0000].map(f32::from_bits)
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
    /// The same in vectors of sixteen, for tests on processors that have no such.
    #[cfg(test)]
    Wide,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(HasAvx2),
    /// AVX-512 F and DQ.
    #[cfg(target_arch = "x86_64")]
    Avx512(HasAvx512),
    /// The same with AVX-512 BW and BF16.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16(HasAvx512Bf16),
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon(HasNeon),
}

/// The proof that the processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasAvx2(());

/// The proof that the processor has AVX-512 F and DQ.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasAvx512(());

/// The proof that the processor has AVX-512 F, DQ, BW and BF16.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasAvx512Bf16(());

/// The proof that the processor has NEON.
#[cfg(target_arch = "aarch64")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasNeon(());

impl Level {
    /// Those that this processor has, from the plainest.
    pub fn all() -> Vec<Self> {
        let mut levels = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            levels.push(Self::Avx2(HasAvx2(())));
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                levels.push(Self::Avx512(HasAvx512(())));
                if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512bf16") {
                    levels.push(Self::Avx512Bf16(HasAvx512Bf16(())));
                }
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            levels.push(Self::Neon(HasNeon(())));
        }
        levels
    }

    /// The one that the kernels use, unless the environment's `SD_OPS_VECTORS` names another that this processor has; and why.
    pub fn chosen() -> (Self, &'static str) {
        static CHOSEN: OnceLock<(Level, &str)> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let levels = Self::all();
            let names: Vec<&str> = levels.iter().map(|level| level.name()).collect();
            let wanted = std::env::var("SD_OPS_VECTORS").ok();
            let (place, reason) = choice::choose(&names, &choice::maker(), wanted.as_deref());
            (levels[place], reason)
        })
    }

    /// The one that the kernels use.
    pub fn best() -> Self {
        Self::chosen().0
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            #[cfg(test)]
            Self::Wide => "wide",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16(_) => "avx512-bf16",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
        }
    }

    /// Numbers in a vector.
    pub fn lanes(self) -> usize {
        match self {
            Self::Plain => Plain::<8>::LANES,
            #[cfg(test)]
            Self::Wide => Plain::<16>::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Avx2::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) | Self::Avx512Bf16(_) => Avx512::LANES,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => Neon::LANES,
        }
    }

    /// Whether products of pairs are faster than those of single numbers.
    pub fn has_pairs(self) -> bool {
        match self {
            #[cfg(test)]
            Self::Wide => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16(_) => true,
            _ => false,
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
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has all, or there would be no `HasAvx512`.
            Self::Avx512(HasAvx512(())) => unsafe { with_avx512(job) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has all, or there would be no `HasAvx512Bf16`.
            Self::Avx512Bf16(HasAvx512Bf16(())) => unsafe { with_avx512_bf16(job) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: the processor has it, or there would be no `HasNeon`.
            Self::Neon(HasNeon(())) => unsafe { with_neon(job) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<J: Job>(job: J) {
    job.run::<Avx2>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
fn with_avx512<J: Job>(job: J) {
    job.run::<Avx512>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512bf16,avx2,fma")]
fn with_avx512_bf16<J: Job>(job: J) {
    job.run::<Avx512>();
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn with_neon<J: Job>(job: J) {
    job.run::<Neon>();
}

/// Coefficients of `(e^r - 1 - r) / r²` for `|r| <= ln 2 / 2`, from the highest power: 1/7!, 1/6!, ….
const EXP: [f32; 6] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];
/// Of `ln 2` the leading bits, which any exponent multiplies exactly, and the rest.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Coefficients of `(2^r - 1) / r` for `|r| <= 1/2`, from the highest power: interpolation at Chebyshev's points, whose
/// error is 9e-9.
const EXP2: [f32; 6] =
    [1.546_144_8e-4, 1.339_086_7e-3, 9.618_057e-3, 5.550_357e-2, 2.402_265e-1, std::f32::consts::LN_2];
/// Where `2^x` is finite and normal.
const EXP2_RANGE: [f32; 2] = [-126.0, 127.0];
/// Where `e^x` is finite and normal.
const EXP_RANGE: [f32; 2] = [-87.0, 88.0];
