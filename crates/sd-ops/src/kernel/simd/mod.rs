//! Vectors of `f32`, in whose operations the kernels are written. The instruction set is chosen at run time.
//!
//! In products of half precision a lane holds a pair: two values in bf16, the first in the lower half.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod choice;
mod dot_isa;
mod dots;
mod exp;
mod isa;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
mod routines;
mod tile_isa;
mod vector;

pub(crate) use dot_isa::{DotIsa, DotJob};
pub(crate) use dots::Dots;
pub(crate) use isa::{Isa, Job};
pub(super) use routines::{load_part, narrow, pair_rows, sigmoid, store_part, sum, transpose};
pub(crate) use tile_isa::{TileIsa, TileJob};
pub(crate) use vector::Vector;
