//! The kernels for the processor, on slices of `f32`; they know nothing of tensors.

#![allow(
    clippy::needless_range_loop,
    reason = "several arrays of registers go by one number, and an iterator that is not inlined calls each instruction"
)]

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod forward;
pub(crate) mod gemm;
pub(crate) mod gradients;
mod lanes;
pub(crate) mod layer_norm;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod numbers;
mod padded;
mod product;
#[cfg(test)]
mod tests;
pub(crate) mod vector;
pub(crate) mod window;
mod winograd;
