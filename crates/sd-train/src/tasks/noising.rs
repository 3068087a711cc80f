use std::ops::Range;

use burn::tensor::Tensor;
use serde_json::Value;

use super::autoencoder::select;
use crate::objective::scale_each;
use crate::random::{Purpose, Stream, normals};
use crate::{Likelihood, NoisyImages, Objective, Order, Timesteps};

/// Images or latents in a seeded random order, with new noise and a new timestep at each draw.
#[derive(Debug, Clone)]
pub(crate) struct Noising {
    images: Tensor<4>,
    objective: Objective,
    timesteps: Timesteps,
    order: Order,
    /// The image of each place in the order, if images come more than once in an epoch.
    places: Option<Vec<usize>>,
    seed: u64,
    noise_offset: f64,
    /// For a network that also learns the variance.
    likelihood: Option<Likelihood>,
}

/// The noisy images of some draws, and how much the loss of each counts.
#[derive(Debug, Clone)]
pub(crate) struct NoisyBatch {
    pub noisy: NoisyImages,
    /// The index of the image of each draw.
    pub images: Vec<usize>,
    /// Loss factors that make up for timesteps that are chosen more often than others.
    factors: Vec<f64>,
}

impl Noising {
    /// # Panics
    ///
    /// Panics if there are no images, or if `timesteps` and the schedule differ in their number of timesteps.
    pub fn new(images: Tensor<4>, objective: Objective, timesteps: Timesteps, seed: u64, noise_offset: f64) -> Self {
        let (chosen, trained) = (timesteps.count(), objective.schedule.len());
        assert_eq!(chosen, trained, "{chosen} timesteps to choose from, but the schedule has {trained}");
        let order = Order::new(images.dims()[0], seed);
        Self { images, objective, timesteps, order, places: None, seed, noise_offset, likelihood: None }
    }

    /// Trains a network that also learns the variance of DDPM's steps.
    pub fn with_learned_variance(self, likelihood: Likelihood) -> Self {
        Self { likelihood: Some(likelihood), ..self }
    }

    /// Shows each image as many times in an epoch as `counts` says.
    ///
    /// # Panics
    ///
    /// Panics if there is not a count above 0 for each image.
    pub fn with_repeats(self, counts: &[usize]) -> Self {
        assert!(counts.len() == self.images.dims()[0] && !counts.contains(&0), "a count above 0 for each image");
        let repeated = counts.iter().enumerate().flat_map(|(image, count)| std::iter::repeat_n(image, *count));
        let places: Vec<usize> = repeated.collect();
        Self { order: Order::new(places.len(), self.seed), places: Some(places), ..self }
    }

    /// Mixes the images of some draws with noise.
    pub fn batch(&self, draws: Range<u64>) -> NoisyBatch {
        let mut images = self.order.images(draws.clone());
        if let Some(places) = &self.places {
            images.iter_mut().for_each(|image| *image = places[*image]);
        }
        let uniform = |draw| Stream::new(self.seed, Purpose::Timestep, draw).uniform();
        let chosen = self.timesteps.choose(&draws.clone().map(uniform).collect::<Vec<_>>());
        let (t, factors) = chosen.into_iter().unzip();
        let noisy = self.objective.add_noise(select(&self.images, &images), t, self.noise(draws));
        NoisyBatch { noisy, images, factors }
    }

    /// The noise of some draws.
    fn noise(&self, draws: Range<u64>) -> Tensor<4> {
        let [_, channels, height, width] = self.images.dims();
        let (device, dtype) = (self.images.device(), self.images.dtype());
        let draw = |purpose, shape| normals(self.seed, purpose, draws.clone(), shape, &device, dtype);
        let noise = draw(Purpose::Noise, [channels, height, width]);
        match self.noise_offset {
            0.0 => noise,
            strength => noise + draw(Purpose::Offset, [channels, 1, 1]) * strength,
        }
    }

    /// The loss of each draw: `[draws]`.
    pub fn losses(&self, batch: &NoisyBatch, predicted: Tensor<4>) -> Tensor<1> {
        let losses = match self.likelihood {
            Some(likelihood) => self.objective.hybrid_losses(&batch.noisy, predicted, likelihood),
            None => self.objective.losses(&batch.noisy, predicted),
        };
        scale_each(losses, &batch.factors)
    }

    /// Records the losses, by which [`Timesteps`] may choose.
    pub fn observe(&mut self, batch: &NoisyBatch, losses: &[f64]) {
        for ((t, factor), loss) in batch.noisy.t.iter().zip(&batch.factors).zip(losses) {
            self.timesteps.observe(*t, loss / factor);
        }
    }

    /// The observed losses, for a checkpoint.
    pub fn state(&self) -> Value {
        serde_json::to_value(&self.timesteps).expect("a history is JSON")
    }

    /// Restores what [`state`](Self::state) returned.
    pub fn restore(&mut self, state: Value) -> Result<(), serde_json::Error> {
        self.timesteps = serde_json::from_value(state)?;
        Ok(())
    }
}

impl NoisyBatch {
    /// The timestep of each draw, as the networks take it.
    pub fn t(&self) -> Vec<f64> {
        self.noisy.t.iter().map(|&t| t as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use sd_schedule::{BetaSchedule, NoiseSchedule, Prediction};

    use super::*;
    use crate::Weighting;

    #[test]
    fn the_offset_moves_each_channel_of_the_noise_as_a_whole() {
        let betas = BetaSchedule::ScaledLinear.betas(10, 0.00085, 0.012).unwrap();
        let schedule = NoiseSchedule::from_betas(&betas).unwrap();
        let objective = Objective { schedule, prediction: Prediction::Eps, weighting: Weighting::Simple };
        let noise = |offset| {
            let (images, timesteps) = (Tensor::ones([3, 2, 2, 2], &Device::flex()), Timesteps::Uniform { count: 10 });
            Noising::new(images, objective.clone(), timesteps, 1, offset).noise(0..2)
        };
        let offset = (noise(0.5) - noise(0.0)).into_data().try_to_vec::<f32>().unwrap();
        let channels: Vec<&[f32]> = offset.chunks(4).collect();
        assert!(channels.iter().all(|channel| channel.iter().all(|x| (x - channel[0]).abs() < 1e-6)), "{offset:?}");
        assert!(channels.windows(2).all(|pair| (pair[0][0] - pair[1][0]).abs() > 1e-3), "{offset:?}");
    }
}
