//! The conditional U-Net of Stable Diffusion 1.x, 2.x and XL, and the unconditional one of DDPM.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use sd_unet::{UnetConfig, UnetLevel};
//!
//! let device = Device::flex();
//! let level = UnetLevel::even(32, 1, 1, 4);
//! let config = UnetConfig { levels: vec![level], norm_num_groups: 8, ..UnetConfig::sd1() };
//! let unet = config.init(&device); // random weights; `sd-weights` loads real ones
//!
//! let latents = Tensor::zeros([2, 4, 8, 8], &device);
//! let context = Tensor::zeros([2, 77, 768], &device);
//! assert_eq!(unet.forward(latents, &[981.0, 981.0], context, None).dims(), [2, 4, 8, 8]);
//! ```
//!
//! [`UnconditionalUnet`] is its ancestor, which works on pixels and reads no text. The two share their blocks, which differ in
//! their attention.
//!
//! Without a backend there is no device: turn one of Burn's on (`burn/flex`), and for the kernels on it `sd-ops/flex`.
//!
//! Field names are the keys of a diffusers checkpoint, so that weights find their place by name. Linear and
//! convolutional projections around a transformer are the same map; here they are always [`Linear`](burn::nn::Linear).

mod attention;
mod blocks;
mod config;
mod embedding;
mod plan;
mod resnet;
mod self_attention;
mod transformer;
mod unconditional;
mod unconditional_config;
mod unet;

pub use config::{AdditionConfig, UnetConfig, UnetLevel};
pub use unconditional::UnconditionalUnet;
pub use unconditional_config::{UnconditionalLevel, UnconditionalUnetConfig};
pub use unet::{AddedConditions, Unet};
