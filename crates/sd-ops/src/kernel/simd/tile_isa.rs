#![allow(
    unsafe_code,
    reason = "calls of functions that need an instruction set, which the processor was found to have"
)]

#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
#[cfg(test)]
use super::plain::Plain;
use super::vector::Vector;
use crate::kernel::tiles::Tiles;
#[cfg(target_arch = "x86_64")]
use crate::kernel::tiles::amx::{Amx, HasTiles};
#[cfg(test)]
use crate::kernel::tiles::model::Model;

/// Work for tiles and vectors of sixteen. `run`, and all that it calls, must be `#[inline(always)]`.
pub(crate) trait TileJob {
    fn run<V: Vector, T: Tiles>(self, tiles: &mut T);
}

/// An instruction set for tiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TileIsa {
    /// The model, with plain vectors.
    #[cfg(test)]
    Model,
    /// AMX, with AVX-512.
    #[cfg(target_arch = "x86_64")]
    Amx(HasTiles),
}

impl TileIsa {
    /// Runs a job with these instructions. Its tiles hold anything at first, and are released at the end.
    #[inline]
    pub fn run<J: TileJob>(self, job: J) {
        #[cfg(not(any(test, target_arch = "x86_64")))]
        let _ = job;
        match self {
            #[cfg(test)]
            Self::Model => job.run::<Plain<16>, Model>(&mut Model::new()),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `HasTiles` proves that the processor has all.
            Self::Amx(tiles) => unsafe { with_amx(job, tiles) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512bf16,avx2,fma")]
fn with_amx<J: TileJob>(job: J, tiles: HasTiles) {
    job.run::<Avx512, Amx>(&mut Amx::configure(tiles));
}
