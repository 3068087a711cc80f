#![allow(
    unsafe_code,
    reason = "calls of functions that need an instruction set, which the processor was found to have"
)]

use std::sync::OnceLock;

use super::dots::Dots;
#[cfg(target_arch = "x86_64")]
use super::dots::avx_vnni::AvxVnni;
#[cfg(target_arch = "x86_64")]
use super::dots::avx2::Avx2Dots;
#[cfg(target_arch = "x86_64")]
use super::dots::avx512_vnni::Avx512Vnni;
#[cfg(target_arch = "aarch64")]
use super::dots::neon::NeonDots;
use super::dots::portable::Portable;
use super::isa::{Isa, Job};
use super::vector::Vector;

/// Work with products of bytes. `run`, and all that it calls, must be `#[inline(always)]`.
pub(crate) trait DotJob {
    fn run<D: Dots>(self);
}

/// An instruction set for products of bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum DotIsa {
    /// No own instructions: those for vectors.
    Portable(Isa),
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Found),
    /// AVX-VNNI, with AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    AvxVnni(Found),
    /// AVX-512 F, DQ, BW and VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni(Found),
    /// NEON and DotProd.
    #[cfg(target_arch = "aarch64")]
    Neon(Found),
}

/// Proof that the processor has the instructions of the variant that holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found(());

impl DotIsa {
    /// Returns the instruction sets of this processor that go with such vectors, the best one last.
    pub fn all(isa: Isa) -> Vec<Self> {
        #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), expect(unused_mut))]
        let mut all = vec![Self::Portable(isa)];
        #[cfg(target_arch = "x86_64")]
        if isa.has_avx2() {
            all.push(Self::Avx2(Found(())));
            if is_x86_feature_detected!("avxvnni") {
                all.push(Self::AvxVnni(Found(())));
            }
            let has = is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bw");
            if isa.has_avx512() && has {
                all.push(Self::Avx512Vnni(Found(())));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if matches!(isa, Isa::Neon(_)) && std::arch::is_aarch64_feature_detected!("dotprod") {
            all.push(Self::Neon(Found(())));
        }
        all
    }

    /// Returns the instruction set that the kernels use: the best one that goes with [their vectors](Isa::best).
    pub fn best() -> Self {
        static BEST: OnceLock<DotIsa> = OnceLock::new();
        *BEST.get_or_init(|| *Self::all(Isa::best()).last().expect("at least the vectors themselves"))
    }

    /// Returns the name of instructions that are made for products of bytes.
    pub fn own_name(self) -> Option<&'static str> {
        Some(match self {
            Self::Portable(_) => return None,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(_) => "avx-vnni",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni(_) => "avx512-vnni",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "dotprod",
        })
    }

    /// Runs a job with these instructions.
    #[inline]
    pub fn run<J: DotJob>(self, job: J) {
        match self {
            Self::Portable(isa) => isa.run(WithVectors(job)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the proof says that the processor has all.
            Self::Avx2(Found(())) => unsafe { with_avx2(job) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::AvxVnni(Found(())) => unsafe { with_avx_vnni(job) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Self::Avx512Vnni(Found(())) => unsafe { with_avx512_vnni(job) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            Self::Neon(Found(())) => unsafe { with_dotprod(job) },
        }
    }
}

/// A job with the portable products of bytes.
struct WithVectors<J>(J);

impl<J: DotJob> Job for WithVectors<J> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        self.0.run::<Portable<V>>();
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<J: DotJob>(job: J) {
    job.run::<Avx2Dots>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avxvnni")]
fn with_avx_vnni<J: DotJob>(job: J) {
    job.run::<AvxVnni>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vnni,avx2,fma")]
fn with_avx512_vnni<J: DotJob>(job: J) {
    job.run::<Avx512Vnni>();
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon,dotprod")]
fn with_dotprod<J: DotJob>(job: J) {
    job.run::<NeonDots>();
}
