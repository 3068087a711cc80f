use std::ops::Range;

use burn::config::Config;
use burn::tensor::Tensor;
use sd_unet::UnconditionalUnet;
use serde_json::Value;

use super::questions::{Asked, Questions};
use crate::{Objective, Task, Timesteps};

/// How a network is trained to find the noise in images.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct DenoisingConfig {
    /// Seed of the order of the images, their timesteps and their noise.
    pub seed: u64,
    /// Standard deviation of what is added to the noise of each channel as a whole; 0 for none, as DDPM has it.
    #[config(default = 0.0)]
    pub noise_offset: f64,
}

/// Training of a network that reads no text to find the noise in images (Ho et al. 2020, algorithm 1).
#[derive(Debug, Clone)]
pub struct Denoising(Questions);

/// What one pass through the network is shown.
#[derive(Debug, Clone)]
pub struct DenoisingBatch(Asked);

impl Denoising {
    /// Trains on these images: `[images, 3, height, width]`, from −1 to 1, in the model's precision.
    ///
    /// # Panics
    ///
    /// Panics if there are none, or if `timesteps` are not as many as the schedule's.
    pub fn new(images: Tensor<4>, objective: Objective, timesteps: Timesteps, config: DenoisingConfig) -> Self {
        Self(Questions::new(images, objective, timesteps, config.seed, config.noise_offset))
    }
}

impl Task<UnconditionalUnet> for Denoising {
    type Batch = DenoisingBatch;

    fn batch(&self, draws: Range<u64>) -> DenoisingBatch {
        DenoisingBatch(self.0.ask(draws))
    }

    fn losses(&self, model: &UnconditionalUnet, DenoisingBatch(asked): &DenoisingBatch) -> Tensor<1> {
        self.0.losses(asked, model.forward(asked.question.x.clone(), &asked.t()))
    }

    fn observe(&mut self, batch: &DenoisingBatch, losses: &[f64]) {
        self.0.observe(&batch.0, losses);
    }

    fn state(&self) -> Value {
        self.0.state()
    }

    fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        self.0.restore(state)
    }
}
