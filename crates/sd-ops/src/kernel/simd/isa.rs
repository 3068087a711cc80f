#![expect(unsafe_code, reason = "functions of an instruction set, which the processor is known to have")]

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
use super::choice;
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::plain::Plain;
use super::vector::Vector;

/// Work that is written once for all vectors; `run` has to be `#[inline(always)]`, and all it calls.
pub(crate) trait Job {
    fn run<V: Vector>(self);
}

/// What the processor can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Isa {
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

impl Isa {
    /// Those that this processor has, from the plainest.
    pub fn all() -> Vec<Self> {
        let mut isas = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            isas.push(Self::Avx2(HasAvx2(())));
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                isas.push(Self::Avx512(HasAvx512(())));
                if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512bf16") {
                    isas.push(Self::Avx512Bf16(HasAvx512Bf16(())));
                }
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            isas.push(Self::Neon(HasNeon(())));
        }
        isas
    }

    /// The one that the kernels use, unless the environment's `SD_OPS_VECTORS` names another that this processor has; and why.
    pub fn chosen() -> (Self, &'static str) {
        static CHOSEN: OnceLock<(Isa, &str)> = OnceLock::new();
        *CHOSEN.get_or_init(|| {
            let isas = Self::all();
            let names: Vec<&str> = isas.iter().map(|isa| isa.name()).collect();
            let wanted = std::env::var("SD_OPS_VECTORS").ok();
            let (place, reason) = choice::choose(&names, &choice::maker(), wanted.as_deref());
            (isas[place], reason)
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

    /// Values in a vector.
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

    /// Whether products of pairs are faster than those of single values.
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
