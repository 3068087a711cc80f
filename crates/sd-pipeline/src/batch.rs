use std::ops::ControlFlow;

use burn::tensor::Tensor;
use sd_samplers::Noise;

use crate::Error;
use crate::pipeline::{GeneratedImage, Pipeline};
use crate::plan::Plan;
use crate::plan::batch::Batch;
use crate::watch::Step;

impl Pipeline {
    /// Draws several plans at once, each with the [`noise`](Plan::noise) of its own seed. `watch` sees every call of the
    /// network, which is one for all of them.
    ///
    /// An image is the same as when it is [drawn](Self::draw) alone, up to the rounding of sums that libraries order by
    /// the size of a batch. Memory grows with the batch.
    ///
    /// # Errors
    ///
    /// As [`draw_with`](Self::draw_with), and [`Error::Request`] for plans that differ in their
    /// [settings](crate::Settings). An error of one image is an error of all.
    pub fn draw_batch(
        &self,
        plans: &[Plan],
        watch: &mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Vec<GeneratedImage>, Error> {
        let Some(batch) = Batch::new(plans, &self.model)? else { return Ok(Vec::new()) };
        let mut noises: Vec<_> = plans.iter().map(Plan::noise).collect();
        let starts = plans.iter().zip(&mut noises).map(|(plan, noise)| plan.start(&mut **noise, &self.device));
        let start = Tensor::cat(starts.collect(), 0);
        let latents = self.sample(&batch, start, &mut Each(noises), watch)?;
        self.images(latents)
    }
}

/// A source of noise for each image of a batch.
struct Each(Vec<Box<dyn Noise>>);

impl Each {
    fn of_each(&mut self, like: &Tensor<4>, draw: impl Fn(&mut dyn Noise, &Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let images = like.clone().chunk(self.0.len(), 0);
        let drawn = self.0.iter_mut().zip(images).map(|(noise, like)| draw(&mut **noise, &like));
        Tensor::cat(drawn.collect(), 0)
    }
}

impl Noise for Each {
    fn start(&mut self, like: &Tensor<4>) -> Tensor<4> {
        self.of_each(like, |noise, like| noise.start(like))
    }

    fn draw(&mut self, like: &Tensor<4>, from: f64, to: f64) -> Tensor<4> {
        self.of_each(like, |noise, like| noise.draw(like, from, to))
    }
}
