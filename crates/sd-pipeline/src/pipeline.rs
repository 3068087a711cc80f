use std::ops::{ControlFlow, Deref};
use std::path::Path;

use burn::tensor::{DType as TensorDType, Device, Tensor, TensorData};
use sd_samplers::{Network, Noise, sample};
use sd_schedule::input_scale;

use crate::networks::Networks;
use crate::walk::Walk;
use crate::watch::Watched;
use crate::{DType, Error, Image, Latents, Model, Request, Step};

/// A loaded model that draws pictures.
///
/// Dereferences to its [`Model`], for checking requests.
#[derive(Debug)]
pub struct Pipeline {
    pub(crate) model: Model,
    pub(crate) networks: Networks,
    pub(crate) device: Device,
}

/// A drawn picture.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The pixels.
    pub image: Image,
    /// The latents they were decoded from; where the model works on pixels, those before they are clipped and rounded.
    pub latents: Latents,
}

impl Deref for Pipeline {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.model
    }
}

impl Pipeline {
    pub(crate) fn new(model: Model, networks: Networks, device: Device) -> Self {
        Self { model, networks, device }
    }

    /// Opens a model, a folder or a single file, and loads it: [`Model::open`] and [`Model::load`].
    ///
    /// # Errors
    ///
    /// As those two.
    pub fn from_folder(folder: impl AsRef<Path>, device: &Device, dtype: DType) -> Result<Self, Error> {
        Model::open(folder)?.load(device, dtype)
    }

    /// Draws a picture with the [`noise`](Self::noise) of the request's seed.
    ///
    /// # Errors
    ///
    /// [`Error`] for a request that cannot be drawn, and where numbers do not stay finite.
    pub fn draw(&self, request: &Request) -> Result<Picture, Error> {
        self.draw_with(request, &mut *self.noise(request), &mut |_| ControlFlow::Continue(()))
    }

    /// The noise of the request's seed: PyTorch's, from which samplers that follow a Brownian path take the start only.
    pub fn noise(&self, request: &Request) -> Box<dyn Noise> {
        request.sampler_name(&self.model).fresh.of_seed(request.seed)
    }

    /// Draws a picture with noise of your own, shows `watch` every call of the network, and stops when it says so.
    ///
    /// # Errors
    ///
    /// As [`draw`](Self::draw), and [`Error::Cancelled`].
    pub fn draw_with(
        &self,
        request: &Request,
        noise: &mut dyn Noise,
        watch: &mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Picture, Error> {
        self.check(request)?;
        let start = self.start(request, noise)?;
        let latents = self.sample(std::slice::from_ref(request), start, noise, watch)?;
        Ok(self.pictures(latents)?.remove(0))
    }

    /// The latents of pictures, as the autoencoder reads them, from standard normal noise for each. The requests share
    /// all but their prompts.
    pub(crate) fn sample(
        &self,
        requests: &[Request],
        start: Tensor<4>,
        noise: &mut dyn Noise,
        watch: &mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Tensor<4>, Error> {
        let (sampler, Walk { levels, start: spread, whole_timesteps }) = requests[0].sampler(&self.model)?;
        let prediction = self.networks.prediction(requests, &self.model)?;
        let network = Network {
            schedule: &self.model.scheduler.schedule,
            prediction: self.model.scheduler.prediction,
            whole_timesteps,
            call: |x, t| Ok(prediction(x, t)),
        };
        let mut watched = Watched::new(network, sampler.calls(&levels), watch);
        let x = sample(&sampler, &mut watched, noise, start * spread, &levels);
        // Every error of this denoiser is ours.
        let x = x.map_err(|stop| stop.downcast::<Error>().map_or_else(Error::backend, |e| *e))?;
        watched.check()?;
        Ok(x * input_scale(levels.last()))
    }

    /// Standard normal noise: that of the request, or the next of `noise`.
    pub(crate) fn start(&self, request: &Request, noise: &mut dyn Noise) -> Result<Tensor<4>, Error> {
        let shape = request.latent_shape(&self.model)?;
        Ok(match &request.latents {
            Some(latents) => {
                let data = TensorData::new(latents.numbers.clone(), shape);
                Tensor::from_data(data, (&self.device, TensorDType::F32))
            }
            None => noise.start(&Tensor::zeros(shape, (&self.device, TensorDType::F32))),
        })
    }

    /// The pictures of finished latents.
    pub(crate) fn pictures(&self, latents: Tensor<4>) -> Result<Vec<Picture>, Error> {
        let [count, ..] = latents.dims();
        let images = Image::from_tensor(self.networks.decode(latents.clone()))?;
        let picture = |(latents, image): (Tensor<4>, Image)| {
            let shape = latents.dims();
            Ok(Picture { image, latents: Latents { numbers: numbers(latents)?, shape } })
        };
        latents.chunk(count, 0).into_iter().zip(images).map(picture).collect()
    }
}

/// A tensor's numbers on the host.
pub(crate) fn numbers(x: Tensor<4>) -> Result<Vec<f32>, Error> {
    let data = x.cast(TensorDType::F32).try_into_data().map_err(Error::backend)?;
    data.try_to_vec().map_err(Error::backend)
}
