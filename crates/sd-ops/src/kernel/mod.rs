//! The kernels for the processor, on slices of `f32`; they know nothing of tensors.

#![allow(
    clippy::needless_range_loop,
    reason = "several arrays of registers go by one number, and an iterator that is not inlined calls each instruction"
)]

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod conv;
pub(crate) mod gemm;
pub(crate) mod group_norm;
pub(crate) mod layer_norm;
pub(crate) mod linear;
mod microkernel;
mod shared;
pub(crate) mod simd;
#[cfg(test)]
mod tests;
pub(crate) mod weight_slice;
