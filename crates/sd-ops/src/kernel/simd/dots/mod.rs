//! Products of bytes: each lane of a vector of sums adds four products of signed bytes at a time, in 32 bits, exactly.
//!
//! What is made of the sums is rounded in one order, without fused multiply-adds. Therefore all instructions give the same bits.

#![expect(unsafe_code, reason = "loads whose bounds are the caller's promise")]

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512_vnni;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx_vnni;
#[cfg(target_arch = "aarch64")]
pub(super) mod neon;
pub(super) mod portable;

use super::vector::Vector;

/// Vectors of sums of products of bytes, with as many lanes as [`Floats`](Self::Floats).
pub(crate) trait Dots {
    /// Vectors of the numbers that sums become.
    type Floats: Vector;
    /// A sum in each lane.
    type Sums: Copy;
    /// Four bytes in each lane.
    type Weights: Copy;

    /// Rows of a tile, whose sums of two vectors stay in registers.
    const ROWS: usize;
    /// Whether the weights are unsigned: the signed ones plus 128.
    const UNSIGNED: bool;

    /// Returns `sum` in every lane.
    fn splat(sum: i32) -> Self::Sums;

    /// # Safety
    ///
    /// Four bytes for each lane can be read.
    unsafe fn load(from: *const u8) -> Self::Weights;

    /// Adds to each lane the products of its four weights with the four signed bytes of `x`.
    fn add(sums: Self::Sums, weights: Self::Weights, x: i32) -> Self::Sums;

    /// Returns the sums as numbers; they are exact up to 2²⁴.
    fn to_floats(sums: Self::Sums) -> Self::Floats;
}
