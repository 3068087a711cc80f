//! The kernels for the CPU. They work on slices of `f32` and know nothing of tensors.

#![allow(
    clippy::needless_range_loop,
    reason = "one index runs over several arrays of registers, and an iterator that is not inlined calls each instruction"
)]

pub(crate) mod activation;
pub(crate) mod aligned;
pub(crate) mod attention;
pub(crate) mod conv;
pub(crate) mod gemm;
pub(crate) mod group_norm;
pub(crate) mod int8;
pub(crate) mod layer_norm;
pub(crate) mod linear;
mod microkernel;
pub(crate) mod moments;
mod shared;
pub(crate) mod simd;
#[cfg(test)]
mod tests;
mod tiles;
pub(crate) mod weight_slice;
