#![allow(
    unsafe_code,
    reason = "calls of functions that need an instruction set, which the processor was found to have"
)]

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
use super::choice;
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::plain::Plain;
use super::tile_isa::TileIsa;
use super::vector::Vector;
#[cfg(target_arch = "x86_64")]
use crate::kernel::tiles::amx::HasTiles;

/// Work that is written once for all instruction sets. `run`, and all that it calls, must be `#[inline(always)]`.
pub(crate) trait Job {
    fn run<V: Vector>(self);
}

/// An instruction set for vectors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Isa {
    /// The instructions that the program was compiled for.
    Plain,
    /// As `Plain` in vectors of sixteen, for tests on processors without such vectors.
    #[cfg(test)]
    Wide,
    /// As `Wide`, and a model of tiles.
    #[cfg(test)]
    Tiled,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(HasAvx2),
    /// AVX-512 F and DQ.
    #[cfg(target_arch = "x86_64")]
    Avx512(HasAvx512),
    /// AVX-512 F, DQ, BW and BF16.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16(HasAvx512Bf16),
    /// The same, and AMX's tiles for products of bf16.
    #[cfg(target_arch = "x86_64")]
    Amx(HasTiles),
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon(HasNeon),
}

/// Proof that the processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasAvx2(());

/// Proof that the processor has AVX-512 F and DQ.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasAvx512(());

/// Proof that the processor has AVX-512 F, DQ, BW and BF16.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasAvx512Bf16(());

/// Proof that the processor has NEON.
#[cfg(target_arch = "aarch64")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct HasNeon(());

impl Isa {
    /// Returns the instruction sets of this processor, from the plainest to the widest.
    pub fn all() -> Vec<Self> {
        let mut isas = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            isas.push(Self::Avx2(HasAvx2(())));
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                isas.push(Self::Avx512(HasAvx512(())));
                if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512bf16") {
                    isas.push(Self::Avx512Bf16(HasAvx512Bf16(())));
                    isas.extend(HasTiles::find().map(Self::Amx));
                }
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            isas.push(Self::Neon(HasNeon(())));
        }
        isas
    }

    /// Returns the instruction set that the kernels use, and why.
    ///
    /// The environment variable `SD_OPS_VECTORS` selects another, if this processor has it.
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

    /// Returns the instruction set that the kernels use.
    pub fn best() -> Self {
        Self::chosen().0
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            #[cfg(test)]
            Self::Wide => "wide",
            #[cfg(test)]
            Self::Tiled => "tiled",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16(_) => "avx512-bf16",
            #[cfg(target_arch = "x86_64")]
            Self::Amx(_) => "amx",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
        }
    }

    /// Returns the number of values in a vector.
    pub fn lanes(self) -> usize {
        match self {
            Self::Plain => Plain::<8>::LANES,
            #[cfg(test)]
            Self::Wide | Self::Tiled => Plain::<16>::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => Avx2::LANES,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) | Self::Avx512Bf16(_) | Self::Amx(_) => Avx512::LANES,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => Neon::LANES,
        }
    }

    /// Returns whether the processor was found to have AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    pub fn has_avx2(self) -> bool {
        matches!(self, Self::Avx2(_)) || self.has_avx512()
    }

    /// Returns whether the processor was found to have AVX-512 F and DQ.
    #[cfg(target_arch = "x86_64")]
    pub fn has_avx512(self) -> bool {
        matches!(self, Self::Avx512(_) | Self::Avx512Bf16(_) | Self::Amx(_))
    }

    /// Returns whether products of pairs are faster than products of single values.
    pub fn has_pairs(self) -> bool {
        match self {
            #[cfg(test)]
            Self::Wide | Self::Tiled => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16(_) | Self::Amx(_) => true,
            _ => false,
        }
    }

    /// Returns the tiles that multiply pairs faster than vectors, if it has any.
    pub fn tiles(self) -> Option<TileIsa> {
        match self {
            #[cfg(test)]
            Self::Tiled => Some(TileIsa::Model),
            #[cfg(target_arch = "x86_64")]
            Self::Amx(tiles) => Some(TileIsa::Amx(tiles)),
            _ => None,
        }
    }

    /// Runs a job with these instructions.
    #[inline]
    pub fn run<J: Job>(self, job: J) {
        match self {
            Self::Plain => job.run::<Plain<8>>(),
            #[cfg(test)]
            Self::Wide | Self::Tiled => job.run::<Plain<16>>(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `HasAvx2` proves that the processor has both.
            Self::Avx2(HasAvx2(())) => unsafe { with_avx2(job) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `HasAvx512` proves that the processor has all.
            Self::Avx512(HasAvx512(())) => unsafe { with_avx512(job) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `HasAvx512Bf16` proves that the processor has all.
            Self::Avx512Bf16(HasAvx512Bf16(())) => unsafe { with_avx512_bf16(job) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `HasTiles` proves that the processor has all.
            Self::Amx(_) => unsafe { with_avx512_bf16(job) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: `HasNeon` proves that the processor has it.
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
