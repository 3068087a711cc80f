//! Tiles: registers of sixteen rows of sixteen lanes, which multiply matrices of bf16 (Intel's AMX), and a portable model of
//! them.
//!
//! A lane holds a value in single precision, or a pair in bf16, the first in the lower half. A tile of the left matrix has
//! sixteen rows of 32 terms. One of the right matrix has as many terms, in sixteen rows of pairs, of sixteen columns.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
mod instructions;
mod left;
#[cfg(test)]
pub(crate) mod model;
mod multiply;
#[cfg(test)]
mod tests;

pub(crate) use instructions::Tiles;
pub(super) use left::{copy_line, narrow_line};
pub(super) use multiply::{Sums, multiply};

/// Rows of a tile, and lanes of a row.
pub(super) const EDGE: usize = 16;
/// Rows or lanes of two tiles: those of a panel.
pub(super) const PAIR: usize = 2 * EDGE;
/// Lanes of a tile.
pub(super) const LANES: usize = EDGE * EDGE;
/// Terms of a tile in bf16.
pub(super) const TERMS: usize = 2 * EDGE;
