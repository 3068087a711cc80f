//! Measures how long a training step of a small autoencoder takes.
//!
//! `cargo run --release -p sd-train --example step -- WORKERS`

#![allow(clippy::print_stdout, reason = "the times are the output")]

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use sd_train::tasks::{Autoencoding, AutoencodingConfig, Distance};
use sd_train::{Rate, Trainer, TrainerConfig, initialise};
use sd_vae::AutoencoderKlConfig;

fn main() {
    let workers = std::env::args().nth(1).map_or(1, |number| number.parse().expect("a number of workers"));
    let (batch, steps) = (8, 12);
    let config = AutoencoderKlConfig {
        block_out_channels: vec![24, 48, 64],
        layers_per_block: 1,
        norm_num_groups: 8,
        ..AutoencoderKlConfig::sd()
    };
    let images = Tensor::random([32, 3, 64, 64], Distribution::Uniform(-1.0, 1.0), &Device::flex());
    let mut task = Autoencoding::new(images, AutoencodingConfig::new(1, Distance::L1, 1e-6));
    let rate = Rate::new(1e-3, 1, steps);
    let settings = TrainerConfig::new(rate, batch, 0.9999).with_passes(workers).with_workers(workers);
    let mut trainer = Trainer::new(initialise(config.init(&Device::flex().autodiff()), 1), settings);
    let mut least = f64::MAX;
    while trainer.steps() < steps {
        let start = Instant::now();
        let progress = trainer.step(&mut task).expect("a finite step");
        least = least.min(start.elapsed().as_secs_f64());
        println!("step {:2}: loss {:.6}", progress.step, progress.loss);
    }
    println!("fastest step: {least:.3} s");
}
