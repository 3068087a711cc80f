use std::ops::ControlFlow;

use burn::tensor::Tensor;
use sd_samplers::Noise;

use crate::{Error, Picture, Pipeline, Request, Step};

impl Pipeline {
    /// Draws a picture for each of several requests at once, each with the [`noise`](Self::noise) of its own seed, and
    /// shows `watch` every call of the network, which is one for all of them.
    ///
    /// A picture is the same as when it is [drawn](Self::draw) alone, up to the rounding of sums that libraries order by
    /// the size of a batch. Memory grows with the batch.
    ///
    /// # Errors
    ///
    /// As [`draw_with`](Self::draw_with), and [`Error::Request`] for requests that differ in more than their prompt,
    /// seed and latents. An error of one picture is an error of all.
    pub fn draw_batch(
        &self,
        requests: &[Request],
        watch: &mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Vec<Picture>, Error> {
        let Some(first) = requests.first() else { return Ok(Vec::new()) };
        for request in requests {
            let Request { prompt, seed, latents, .. } = request.clone();
            if *request != (Request { prompt, seed, latents, ..first.clone() }) {
                return Err(Error::Request("pictures of a batch share all but prompt, seed and latents".into()));
            }
            self.check(request)?;
        }
        let mut noises: Vec<_> = requests.iter().map(|request| self.noise(request)).collect();
        let starts = requests.iter().zip(&mut noises).map(|(request, noise)| self.start(request, &mut **noise));
        let start = Tensor::cat(starts.collect::<Result<_, _>>()?, 0);
        let latents = self.sample(requests, start, &mut Each(noises), watch)?;
        self.pictures(latents)
    }
}

/// A source of noise for each picture of a batch.
struct Each(Vec<Box<dyn Noise>>);

impl Each {
    fn of_each(&mut self, like: &Tensor<4>, draw: impl Fn(&mut dyn Noise, &Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let pictures = like.clone().chunk(self.0.len(), 0);
        let drawn = self.0.iter_mut().zip(pictures).map(|(noise, like)| draw(&mut **noise, &like));
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
