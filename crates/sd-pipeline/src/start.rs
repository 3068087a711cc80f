//! What a drawing starts from: noise, or an image with noise, and what the network reads of the image.

use burn::tensor::{DType, Device, Tensor, TensorData};
use sd_image::{Image, Mask};
use sd_samplers::{DenoiseError, Denoiser, Estimate, Noise};

use crate::edit::{Fill, Init, depth_channel};
use crate::image_tensor::images_to_tensor;
use crate::networks::Networks;
use crate::noises::Source;
use crate::plan::Plan;
use crate::plan::batch::Batch;
use crate::{Error, ExtraInput};

/// The start of a batch.
pub(crate) struct Start {
    /// The latents at the first level, in variance-exploding form: `[images, channels, height, width]`.
    pub x: Tensor<4>,
    /// The part of the images that is kept.
    pub known: Option<Known>,
    /// Further input channels of the network: `[images, …, height, width]`.
    pub channels: Option<Tensor<4>>,
}

/// The part of images that is not drawn anew.
pub(crate) struct Known {
    /// The images' latents.
    latents: Tensor<4>,
    /// The noise that the drawing started from, which is theirs at every level.
    noise: Tensor<4>,
    /// 1 where latents are drawn anew, 0 where they are kept: `[images, 1, height, width]`.
    mask: Tensor<4>,
}

impl Known {
    /// Puts the known part into `x` at noise level `sigma`.
    pub fn blend(&self, x: Tensor<4>, sigma: f64) -> Tensor<4> {
        let known = if sigma > 0.0 { self.latents.clone() + self.noise.clone() * sigma } else { self.latents.clone() };
        // Exact where the mask is 0 or 1.
        known * (self.mask.clone() * -1.0 + 1.0) + x * self.mask.clone()
    }
}

/// A network whose input has the known part in it: also where a step calls it more than once. The first input stays as it is; a drawing
/// that starts in noise has no known part yet.
pub(crate) struct Masked<'a, D> {
    pub model: D,
    pub known: Option<&'a Known>,
    pub is_first: bool,
}

impl<D: Denoiser> Denoiser for Masked<'_, D> {
    fn denoise(&mut self, x: Tensor<4>, sigma: f64) -> Result<Tensor<4>, DenoiseError> {
        Ok(self.estimate(x, sigma)?.denoised)
    }

    fn estimate(&mut self, x: Tensor<4>, sigma: f64) -> Result<Estimate, DenoiseError> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        let x = match self.known {
            Some(known) if !is_first => known.blend(x, sigma),
            _ => x,
        };
        self.model.estimate(x, sigma)
    }
}

impl Networks<'_> {
    /// Makes the start of a batch. Random numbers are drawn in the order of diffusers: for encoding the image, for the noise, for
    /// encoding the image without its masked part.
    pub(crate) fn start(&self, batch: &Batch, source: &mut Source) -> Result<Start, Error> {
        let (settings, extra) = (batch.settings, self.model.extra_input());
        let sampling = &settings.sampling;
        let sigma = sampling.visited()[0];
        if let Some(latents) = batch.all(|plan| match &plan.init {
            Some(Init::Unfinished(latents)) => Some(latents.tensor(self.device)),
            _ => None,
        }) {
            let x = Tensor::cat(latents, 0) / self.components.process.mixture_scale(sigma);
            return Ok(Start { x, known: None, channels: self.channels(batch, extra, None, None)? });
        }
        let starts_in_noise = batch.plans[0].starts_in_noise(extra);
        let reads_image = batch.plans[0].init.is_some()
            && match extra {
                Some(ExtraInput::Image) => false,
                Some(ExtraInput::Mask) => !starts_in_noise,
                _ => true,
            };
        let latents = reads_image.then(|| self.initial_latents(batch, source)).transpose()?;
        let noise = source.start(&batch.plans, settings.latent_shape, self.device)?;
        let mask = batch.all(|plan| plan.mask.as_ref()).map(|masks| self.latent_masks(&masks, settings.latent_shape));
        let second = match &mask {
            Some(_) => self.encoding_noise(batch, source),
            None => None,
        };
        let channels = self.channels(batch, extra, mask.as_ref(), second)?;
        let latents = match (latents, &mask) {
            (Some(latents), Some(mask)) => Some(filled(settings.fill, latents, mask, source.noise())),
            (latents, _) => latents,
        };
        let x = match &latents {
            Some(latents) if !starts_in_noise => latents.clone() + noise.clone() * sigma,
            _ => noise.clone() * sampling.start_std,
        };
        let known = match (latents, mask) {
            (Some(latents), Some(mask)) if extra != Some(ExtraInput::Mask) => Some(Known { latents, noise, mask }),
            _ => None,
        };
        Ok(Start { x, known, channels })
    }

    /// The latents of the initial images: drawn from the autoencoder's distribution, or as given.
    fn initial_latents(&self, batch: &Batch, source: &mut Source) -> Result<Tensor<4>, Error> {
        let given = batch.all(|plan| match &plan.init {
            Some(Init::Latents(latents)) => Some(latents.tensor(self.device)),
            _ => None,
        });
        match given {
            Some(latents) => Ok(Tensor::cat(latents, 0)),
            None => {
                let images = images(batch);
                self.sampled(images_to_tensor(&images, self.device), |like| source.noise().start(like))
            }
        }
    }

    /// Draws latents of images from the autoencoder's distribution; pixels stay as they are.
    fn sampled(&self, images: Tensor<4>, draw: impl FnOnce(&Tensor<4>) -> Tensor<4>) -> Result<Tensor<4>, Error> {
        let Some(_) = &self.components.autoencoder else { return Ok(images) };
        let encoded = self.encoder()?.encode(images);
        Ok(match encoded.std {
            Some(std) => draw(&encoded.mean) * std + encoded.mean,
            None => encoded.mean,
        })
    }

    /// The noise for the second encoding. diffusers draws it even where the network does not read the result.
    fn encoding_noise(&self, batch: &Batch, source: &mut Source) -> Option<Tensor<4>> {
        let is_random = self.components.autoencoder.as_ref().is_some_and(|vae| vae.is_random());
        let [_, channels, height, width] = batch.settings.latent_shape;
        let like = Tensor::zeros([batch.plans.len(), channels, height, width], (self.device, DType::F32));
        is_random.then(|| source.noise().start(&like))
    }

    /// What the network reads beside the noisy latents.
    fn channels(
        &self,
        batch: &Batch,
        extra: Option<ExtraInput>,
        mask: Option<&Tensor<4>>,
        noise: Option<Tensor<4>>,
    ) -> Result<Option<Tensor<4>>, Error> {
        Ok(Some(match (extra, mask) {
            (Some(ExtraInput::Mask), Some(mask)) => {
                let masks = batch.all(|plan| plan.mask.as_ref()).unwrap_or_default();
                let masked = Tensor::cat(
                    images(batch)
                        .iter()
                        .zip(&masks)
                        .map(|(image, mask)| without_masked(image, mask, self.device))
                        .collect(),
                    0,
                );
                let latents = self.sampled(masked, |like| noise.unwrap_or_else(|| like.zeros_like()))?;
                Tensor::cat(vec![mask.clone(), latents], 1)
            }
            (Some(ExtraInput::Image), _) => {
                let vae = self.encoder()?;
                vae.encode(images_to_tensor(&images(batch), self.device)).mean / vae.scaling_factor()
            }
            (Some(ExtraInput::Depth), _) => {
                let [_, _, height, width] = batch.settings.latent_shape;
                let maps = batch.all(|plan| plan.depth.as_ref()).unwrap_or_default();
                let values: Vec<f32> = maps.iter().flat_map(|map| depth_channel(map, width, height)).collect();
                self.one_channel(values, maps.len(), batch.settings.latent_shape)
            }
            _ => return Ok(None),
        }))
    }

    /// Masks at the size of latents: as in diffusers, 1 where the top left pixel of a latent is at least half white.
    fn latent_masks(&self, masks: &[&Mask], shape: [usize; 4]) -> Tensor<4> {
        let [_, _, height, width] = shape;
        let factor = self.model.scale_factor();
        let value = |mask: &Mask, i: usize| mask.values[(i / width * factor) * mask.width + i % width * factor] >= 128;
        let values =
            masks.iter().flat_map(|mask| (0..height * width).map(move |i| if value(mask, i) { 1.0 } else { 0.0 }));
        self.one_channel(values.collect(), masks.len(), shape)
    }

    fn one_channel(&self, values: Vec<f32>, images: usize, [_, _, height, width]: [usize; 4]) -> Tensor<4> {
        Tensor::from_data(TensorData::new(values, [images, 1, height, width]), (self.device, DType::F32))
    }
}

/// Replaces the masked part of latents.
fn filled(fill: Fill, latents: Tensor<4>, mask: &Tensor<4>, noise: &mut dyn Noise) -> Tensor<4> {
    match fill {
        Fill::Original | Fill::Blur => latents,
        Fill::Zero => latents * (mask.clone() * -1.0 + 1.0),
        Fill::Noise => {
            let noise = noise.start(&latents);
            latents.clone() + (noise - latents) * mask.clone()
        }
    }
}

/// An image whose masked part is grey.
fn without_masked(image: &Image, mask: &Mask, device: &Device) -> Tensor<4> {
    let mut values = image.to_planes();
    let size = mask.values.len();
    values.iter_mut().enumerate().filter(|(i, _)| mask.values[i % size] >= 128).for_each(|(_, value)| *value = 0.0);
    Tensor::from_data(TensorData::new(values, [1, 3, image.height, image.width]), (device, DType::F32))
}

/// The initial images of a batch.
fn images<'a>(batch: &Batch<'a>) -> Vec<&'a Image> {
    let image = |plan: &'a Plan| match &plan.init {
        Some(Init::Image(image)) => Some(image),
        _ => None,
    };
    batch.all(image).unwrap_or_default()
}
