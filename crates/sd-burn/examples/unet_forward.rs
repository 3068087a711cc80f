//! A U-Net alone: `cargo run --release --example unet_forward MODEL`.

#![allow(clippy::print_stdout, reason = "this is a program")]

use std::error::Error;
use std::path::Path;

use sd_burn::burn::tensor::{Device, FloatDType, Tensor};
use sd_burn::model::config::{Json, unet_config};
use sd_burn::unet::Conditions;
use sd_burn::weights::Weights;

/// Loads a model folder's U-Net and predicts the noise in one image; returns the shape of the prediction.
pub fn unet_forward(model: &Path) -> Result<[usize; 4], Box<dyn Error>> {
    let (device, folder) = (Device::flex(), model.join("unet"));
    let (config, _size) = Json::read(&folder.join("config.json"))?.strictly(unet_config)?;
    let weights = Weights::in_folder(&folder, "diffusion_pytorch_model")?;
    let unet = weights.load(config.init(&device), FloatDType::F32)?;
    let latents = Tensor::zeros([1, config.in_channels, 8, 8], &device);
    let text = Tensor::<3>::zeros([1, 77, config.cross_attention_dim], &device);
    Ok(unet.forward(latents, &[981.0], &Conditions::new(text)).dims())
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("{:?}", unet_forward(std::env::args().nth(1).ok_or("MODEL is missing")?.as_ref())?);
    Ok(())
}
