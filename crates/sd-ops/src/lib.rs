#![doc = include_str!("../README.md")]
//!
//! [`convolve`], [`normalise`], [`normalise_silu`], [`normalise_tokens`] and [`project`] do the same for Burn's modules,
//! which hold the parameters. [`convolve_within`] and [`normalise_silu_by`] are for images that wrap around, and for some rows of
//! an image that is never whole in memory.
//!
//! With the feature `flex`, tensors in single precision on Burn's Flex backend go through the kernels of this crate; with
//! `autodiff`, their gradients do too. Everything else runs on Burn's own operations, which the kernels are tested against.
//! The kernels use the fastest vector instructions of the processor, chosen at run time (`vectors`): AVX-512, with AMX's tiles
//! if there are any, AVX2 with FMA, NEON, or those that the program was compiled for. The kernel for linear layers has no gradients: training uses Burn's.
//!
//! With the feature `gpu`, norms and GEGLU have kernels on GPUs, which replace a dozen of Burn's operations each. So have
//! attention, and convolutions on GPUs without matrix units. Images are in channels-last order there, as Burn's convolutions
//! read them. The GPU kernels have no gradients.
//!
//! On Flex, weights may be in half precision while everything else is in single precision; see [`linear`]. AMD's processors
//! with AVX-512 BF16 (Zen 4 and later) multiply weights in bf16 twice as fast, and Intel's with AMX (Sapphire Rapids and
//! later, on Linux) in tiles, at six times the rate; elsewhere weights are widened as they are used.

#![cfg_attr(not(feature = "autodiff"), allow(dead_code, unused_imports, reason = "only gradients use them"))]

mod activation;
mod attention;
mod conv;
mod edges;
#[cfg(feature = "flex")]
mod flex;
#[cfg(feature = "gpu")]
mod gpu;
mod group_norm;
#[cfg(feature = "flex")]
mod kernel;
mod lay_out;
mod layer_norm;
mod linear;
mod mapped;
mod memory;
mod mixed;
mod modules;
mod moments;
mod pack;
mod padding;
mod pixels;
#[cfg(feature = "flex")]
mod vectors;

pub use activation::{geglu, gelu, quick_gelu};
pub use attention::{attention, causal_attention, half_attention};
pub use conv::conv2d;
pub use edges::{Edge, Edges, Wrap};
pub use group_norm::{group_norm, group_norm_silu};
pub use lay_out::lay_out;
pub use layer_norm::layer_norm;
pub use linear::{linear, linear_geglu};
pub use mapped::MappedWeights;
pub use memory::{SCRATCH, keep_memory, one_heap, return_memory};
pub use mixed::{convolves_in_bf16, int8_instructions, takes_half_weights};
pub use modules::{
    attend, convolve, convolve_within, normalise, normalise_silu, normalise_silu_by, normalise_tokens, project,
    project_geglu,
};
pub use moments::Moments;
pub use pack::pack;
pub use padding::Padding;
pub use pixels::{concatenate, image, join, tokens};
#[cfg(feature = "flex")]
pub use vectors::{Vectors, VectorsError, vectors};
