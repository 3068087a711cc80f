use burn::tensor::{DType, Device, Tensor};
use sd_samplers::Noise;

use crate::plan::Plan;

/// A source of noise for each image of a batch.
pub(crate) struct Noises(Vec<Box<dyn Noise>>);

impl Noises {
    /// The noise of each image's own seed.
    pub fn of_seeds(plans: &[&Plan]) -> Self {
        Self(plans.iter().map(|plan| plan.noise()).collect())
    }

    /// Standard normal noise from which each image starts: its own latents, or the next values of its noise.
    pub fn starts(&mut self, plans: &[&Plan], device: &Device) -> Tensor<4> {
        let start = |(plan, noise): (&&Plan, &mut Box<dyn Noise>)| match &plan.latents {
            Some(latents) => latents.tensor(device),
            None => noise.start(&Tensor::zeros(plan.settings.latent_shape, (device, DType::F32))),
        };
        Tensor::cat(plans.iter().zip(&mut self.0).map(start).collect(), 0)
    }

    fn draw_each(&mut self, like: &Tensor<4>, draw: impl Fn(&mut dyn Noise, &Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let images = like.clone().chunk(self.0.len(), 0);
        let drawn = self.0.iter_mut().zip(images).map(|(noise, like)| draw(&mut **noise, &like));
        Tensor::cat(drawn.collect(), 0)
    }
}

impl Noise for Noises {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        self.draw_each(like, |noise, like| noise.start(like))
    }

    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        self.draw_each(like, |noise, like| noise.draw(like, from, to))
    }
}
