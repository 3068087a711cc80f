#![doc = include_str!("../README.md")]

mod control;
mod conventional;
mod image;
mod kind;
mod model;
mod nats_server;
mod reference;
mod single_file;
mod tensors;
mod torch_file;

pub use control::{control_networks, write_control};
pub use image::difference;
pub use kind::{Kind, data, ddpm, later_ddpm, learned_variance, vae_tiny, vision};
pub use model::{TinyModel, noise, seeded, write_listed, write_upscaler, write_weights};
pub use nats_server::NatsServer;
pub use reference::{assert_close, assert_fits, devices, relative_difference};
pub use sd_weights::single_file::Family;
pub use single_file::{Numbers, SingleTensor, save_single};
pub use tensors::{Tensors, listed, write_hollow, write_tensors};
pub use torch_file::{save_torch, zip};
