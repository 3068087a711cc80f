#![doc = include_str!("../README.md")]
//!
//! [`convolve`], [`normalise`], [`normalise_silu`], [`normalise_tokens`] and [`project`] are the same for Burn's modules, which hold the
//! parameters.
//!
//! With the feature `flex`, what is single precision on Burn's Flex backend goes through kernels of this crate, and with
//! `autodiff` their gradients too. Everything else is Burn's own operations, which are also what the kernels are tested
//! against. The kernels choose the processor's fastest vectors when they run (`vectors`): AVX-512, AVX2 with FMA,
//! NEON, or what the program was compiled for. Linear layers have a kernel without gradients: in training they are Burn's.
//!
//! With the feature `gpu`, norms and GEGLU have kernels on GPUs too, where they would be a dozen operations, and so
//! have attention, and convolutions where a GPU has no matrix units. Images lie there with the values of a pixel next to
//! each other, as Burn's convolutions read them. These have no gradients.
//!
//! On Flex weights may be in half precision while all else is in single; see [`linear`]. On AMD's processors with AVX-512 BF16
//! (Zen 4 and later), weights in bf16 are multiplied twice as fast; elsewhere they are widened as they are used.

#![cfg_attr(not(feature = "autodiff"), allow(dead_code, unused_imports, reason = "of gradients"))]

mod activation;
mod attention;
mod conv;
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
mod memory;
mod mixed;
mod modules;
mod pack;
mod padding;
mod pixels;
#[cfg(feature = "flex")]
mod vectors;

pub use activation::{geglu, gelu, quick_gelu};
pub use attention::{attention, causal_attention, half_attention};
pub use conv::conv2d;
pub use group_norm::{group_norm, group_norm_silu};
pub use lay_out::lay_out;
pub use layer_norm::layer_norm;
pub use linear::{linear, linear_geglu};
pub use memory::{SCRATCH, keep_memory, one_heap};
pub use mixed::takes_half_weights;
pub use modules::{attend, convolve, normalise, normalise_silu, normalise_tokens, project, project_geglu};
pub use pack::pack;
pub use padding::Padding;
pub use pixels::{image, join, tokens};
#[cfg(feature = "flex")]
pub use vectors::{Vectors, VectorsError, vectors};
