#![doc = include_str!("../README.md")]
//!
//! # T2I-Adapter
//!
//! [`T2iAdapter`] turns a drawing, such as edges or a depth map, into four feature maps (Mou et al. 2023,
//! [arXiv:2302.08453](https://arxiv.org/abs/2302.08453)). They are computed once per drawing, and added to the U-Net's on the way
//! down at every step.
//!
//! # IP-Adapter
//!
//! [`ImageAdapter`] makes an image a part of the prompt (Ye et al. 2023, [arXiv:2308.06721](https://arxiv.org/abs/2308.06721)).
//! CLIP's vision tower looks at the image, a [`Projection`] turns what it saw into tokens, and [`KeysValues`] turns the tokens into
//! keys and values for each cross-attention layer of the U-Net. A layer adds `scale·attention(q, k, v)` to its attention to the text,
//! before its output projection. Keys and values are computed once per image as well.
//!
//! Field names are the keys of a diffusers checkpoint, so that weights are loaded by name. IP-Adapters are published under other
//! names, which `sd-weights` translates.

mod image;
mod t2i;

/// The version of Burn that this crate uses.
pub use burn;
pub use image::{
    FullProjection, FullProjectionConfig, ImageAdapter, ImageAdapterConfig, ImageProjection, ImageProjectionConfig,
    ImageStates, KeysValues, KeysValuesConfig, LayerCounts, Projection, ProjectionConfig, Resampler, ResamplerConfig,
};
pub use sd_ops::Wrap;
pub use t2i::{T2iAdapter, T2iAdapterConfig, T2iAdapterKind};
