use std::ops::Range;

use burn::config::Config;
use burn::tensor::Tensor;
use sd_unet::UnconditionalUnet;
use serde_json::Value;

use super::noising::{Noising, NoisyBatch};
use crate::{EdmObjective, Likelihood, Objective, Task, Timesteps};

/// How a network is trained to predict the noise in images.
#[derive(Config, Debug, Copy, PartialEq)]
pub struct DenoisingConfig {
    /// Seed of the order of the images, their timesteps and their noise.
    pub seed: u64,
    /// Standard deviation of the offset added to the noise of each whole channel; 0 for none, as in DDPM.
    #[config(default = 0.0)]
    pub noise_offset: f64,
}

/// Trains a network without a text to predict the noise in images (Ho et al. 2020, algorithm 1).
#[derive(Debug, Clone)]
pub struct Denoising(Noising);

/// The input of one pass through the network.
#[derive(Debug, Clone)]
pub struct DenoisingBatch(NoisyBatch);

impl Denoising {
    /// Trains on images, in the model's precision.
    ///
    /// # Shapes
    ///
    /// - images: `[images, 3, height, width]`, from −1 to 1
    ///
    /// # Panics
    ///
    /// Panics if there are no images, or if `timesteps` and the schedule differ in their number of timesteps.
    pub fn new(images: Tensor<4>, objective: Objective, timesteps: Timesteps, config: DenoisingConfig) -> Self {
        Self(Noising::new(images.into(), objective, timesteps, config.seed, config.noise_offset))
    }

    /// Trains on images by EDM, in the model's precision.
    ///
    /// # Shapes
    ///
    /// - images: `[images, 3, height, width]`, from −1 to 1
    ///
    /// # Panics
    ///
    /// Panics if there are no images.
    pub fn edm(images: Tensor<4>, objective: EdmObjective, config: DenoisingConfig) -> Self {
        Self(Noising::edm(images.into(), objective, config.seed, config.noise_offset))
    }

    /// Trains a network with twice as many input channels, which also reads the clean images that it last predicted (Chen et al. 2022):
    /// in half of the draws those of a first call, in the others zeros.
    #[must_use]
    pub fn with_self_conditioning(self) -> Self {
        Self(self.0.with_self_conditioning())
    }

    /// Trains a network with twice as many output channels, which also learns the [variance](Objective::hybrid_losses) of DDPM's steps.
    #[must_use]
    pub fn with_learned_variance(self) -> Self {
        Self(self.0.with_learned_variance(Likelihood::Pixels))
    }
}

impl Task<UnconditionalUnet> for Denoising {
    type Batch = DenoisingBatch;

    fn batch(&self, draws: Range<u64>) -> DenoisingBatch {
        DenoisingBatch(self.0.batch(draws))
    }

    fn losses(&self, model: &UnconditionalUnet, DenoisingBatch(batch): &DenoisingBatch) -> Tensor<1> {
        self.0.losses(batch, self.0.predict(batch, |input| model.forward(input, &batch.times)))
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
