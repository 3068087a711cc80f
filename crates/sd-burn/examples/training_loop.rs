//! DDPM's training loop: `cargo run --release --example training_loop`.

#![allow(clippy::print_stdout, reason = "this is a program")]

use std::error::Error;
use std::path::Path;

use sd_burn::burn::tensor::{Device, Distribution, FloatDType, Tensor};
use sd_burn::schedule::{BetaSchedule, NoiseSchedule, Prediction};
use sd_burn::unet::{UnconditionalLevel, UnconditionalUnetConfig};
use sd_burn::weights::save;
use sd_train::tasks::{Denoising, DenoisingConfig};
use sd_train::{Objective, Rate, Timesteps, Trainer, TrainerConfig, Weighting, initialise};

/// Trains a small U-Net on images, and returns the losses of all steps.
pub fn training_loop(output: &Path, steps: u64) -> Result<Vec<f64>, Box<dyn Error>> {
    let images = Tensor::random([8, 3, 16, 16], Distribution::Uniform(-1.0, 1.0), &Device::flex()); // yours
    let schedule = NoiseSchedule::from_betas(&BetaSchedule::Linear.betas(1000, 1e-4, 0.02)?)?;
    let objective = Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple };
    let mut task = Denoising::new(images, objective, Timesteps::Uniform { count: 1000 }, DenoisingConfig::new(1));
    let level = |channels| UnconditionalLevel { channels, ..UnconditionalUnetConfig::ddpm_cifar10().levels[0] };
    let config = UnconditionalUnetConfig {
        levels: vec![level(16), level(32)],
        norm_num_groups: 8,
        ..UnconditionalUnetConfig::ddpm_cifar10()
    };
    let unet = initialise(config.init(&Device::flex().autodiff()), 1);
    let mut trainer = Trainer::new(unet, TrainerConfig::new(Rate::new(1e-3, 1, steps), 4, 0.999));
    let mut losses = Vec::new();
    while trainer.steps() < steps {
        losses.push(trainer.step(&mut task)?.loss);
    }
    save(&trainer.averaged(), output, FloatDType::F32)?;
    Ok(losses)
}

#[allow(dead_code, reason = "the tests call the function above")]
fn main() -> Result<(), Box<dyn Error>> {
    let losses = training_loop("unet.safetensors".as_ref(), 100)?;
    println!("{:.4} to {:.4}", losses[0], losses[losses.len() - 1]);
    Ok(())
}
