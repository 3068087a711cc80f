use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_samplers::{Noise, TorchNoise, vary};

use crate::Error;
use crate::latents::values;
use crate::plan::Plan;

/// The noise of a batch: that of the images' own seeds, or given by the caller.
pub(crate) enum Source<'a> {
    Seeds(Noises),
    Given(&'a mut dyn Noise),
}

impl Source<'_> {
    /// The noise for any purpose.
    pub fn noise(&mut self) -> &mut dyn Noise {
        match self {
            Self::Seeds(noises) => noises,
            Self::Given(noise) => &mut **noise,
        }
    }

    /// Standard normal noise from which each image starts: its own latents, or the next values of its noise, perhaps varied.
    ///
    /// Given noise is drawn for all images at once, and not at all if all have latents.
    pub fn start(&mut self, plans: &[&Plan], shape: [usize; 4], device: &Device) -> Result<Tensor<4>, Error> {
        let given = |plan: &Plan| plan.latents.as_ref().map(|latents| latents.tensor(device));
        let [_, channels, height, width] = shape;
        let like = |images| Tensor::zeros([images, channels, height, width], (device, DType::F32));
        let starts: Vec<Tensor<4>> = match self {
            Self::Seeds(Noises(noises)) => {
                let start =
                    |(plan, noise): (&&Plan, &mut Box<dyn Noise>)| given(plan).unwrap_or_else(|| noise.start(&like(1)));
                plans.iter().zip(noises).map(start).collect()
            }
            Self::Given(noise) => match plans.iter().map(|plan| given(plan)).collect::<Option<Vec<_>>>() {
                Some(latents) => latents,
                None => noise.start(&like(plans.len())).chunk(plans.len(), 0),
            },
        };
        let varied = starts.into_iter().zip(plans).map(|(start, plan)| varied(start, plan));
        Ok(Tensor::cat(varied.collect::<Result<_, _>>()?, 0))
    }
}

/// The noise of an image, mixed with that of its second seed.
fn varied(start: Tensor<4>, plan: &Plan) -> Result<Tensor<4>, Error> {
    let Some(variation) = plan.variation else { return Ok(start) };
    let (shape, device) = (start.dims(), start.device());
    let first = values(start)?;
    let second = TorchNoise::new(variation.seed).randn(first.len());
    let mixed = vary(&first, &second, shape, variation.strength);
    Ok(Tensor::from_data(TensorData::new(mixed, shape), (&device, DType::F32)))
}

/// A source of noise for each image of a batch.
pub(crate) struct Noises(Vec<Box<dyn Noise>>);

impl Noises {
    /// The noise of each image's own seed.
    pub fn of_seeds(plans: &[&Plan]) -> Self {
        Self(plans.iter().map(|plan| plan.noise()).collect())
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
