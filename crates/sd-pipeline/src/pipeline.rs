use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::{DType as TensorDType, Device, Tensor};
use sd_ops::lay_out;
use sd_samplers::{Network, Noise, sample};

use crate::guidance::predict;
use crate::model::{Kind, Model};
use crate::networks::Networks;
use crate::plan::Plan;
use crate::plan::batch::Batch;
use crate::precision::precision;
use crate::prompt::Conditions;
use crate::watch::{Step, Watched};
use crate::{DType, Error, Image, Latents, Request};

/// A loaded model that draws images.
#[derive(Debug)]
pub struct Pipeline {
    pub(crate) model: Model,
    pub(crate) networks: Networks,
    pub(crate) device: Device,
}

/// A drawn image.
#[derive(Debug, Clone)]
pub struct GeneratedImage {
    /// The pixels.
    pub image: Image,
    /// The latents they were decoded from; where the model works on pixels, those before they are clipped and rounded.
    pub latents: Latents,
}

/// What is predicted of a variance-preserving image at a timestep, single precision in and out.
type Prediction<'a> = Box<dyn Fn(Tensor<4>, f64) -> Tensor<4> + 'a>;

impl Model {
    /// Reads the weights onto `device`.
    ///
    /// # Errors
    ///
    /// [`Error::Weights`] where they do not fit or are damaged, [`Error::Device`] where the device lacks the precision.
    pub fn load(self, device: &Device, dtype: DType) -> Result<Pipeline, Error> {
        if !device.supports_dtype(dtype.float()) {
            return Err(Error::Precision { device: "this device".into(), dtype, precisions: vec![DType::F32] });
        }
        let networks = match &self.kind {
            Kind::Text(parts) => {
                let unet = lay_out(self.unet_weights.load(parts.unet_config.init(device), precision(dtype, device))?);
                Networks::Text(Box::new(parts.load(unet, device, dtype)?))
            }
            Kind::Unconditional(config) => {
                let unet = self.unet_weights.load(config.init(device), precision(dtype, device))?;
                Networks::Unconditional(Box::new(lay_out(unet)))
            }
        };
        Ok(Pipeline { model: self, networks, device: device.clone() })
    }
}

impl Pipeline {
    /// Opens a model, a folder or a single file, and loads it: [`Model::open`] and [`Model::load`].
    ///
    /// # Errors
    ///
    /// As those two.
    pub fn from_folder(folder: impl AsRef<Path>, device: &Device, dtype: DType) -> Result<Self, Error> {
        Model::open(folder)?.load(device, dtype)
    }

    /// The model, which [plans](Model::plan) what is drawn.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Plans a request and draws it, with the [`noise`](Plan::noise) of its seed.
    ///
    /// # Errors
    ///
    /// [`Error`] for a request that cannot be drawn, and where values do not stay finite.
    pub fn draw(&self, request: &Request) -> Result<GeneratedImage, Error> {
        let plan = self.model.plan(request)?;
        self.draw_with(&plan, &mut *plan.noise(), &mut |_| ControlFlow::Continue(()))
    }

    /// Draws what is planned with noise of your own, or the plan's. `watch` sees every call of the network, and can stop it.
    ///
    /// # Errors
    ///
    /// As [`draw`](Self::draw); [`Error::Request`] for a plan of another model, and [`Error::Cancelled`].
    pub fn draw_with(
        &self,
        plan: &Plan,
        noise: &mut dyn Noise,
        watch: &mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<GeneratedImage, Error> {
        let batch = Batch::of_one(plan, &self.model)?;
        let start = plan.start(noise, &self.device);
        let latents = self.sample(&batch, start, noise, watch)?;
        Ok(self.images(latents)?.remove(0))
    }

    /// The latents of images, as the autoencoder reads them, from standard normal noise for each.
    pub(crate) fn sample(
        &self,
        batch: &Batch,
        start: Tensor<4>,
        noise: &mut dyn Noise,
        watch: &mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Tensor<4>, Error> {
        let (scheduler, sampling) = (&self.model.scheduler, &batch.settings.sampling);
        let process = scheduler.process();
        let (sampler, levels) = (sampling.sampler(scheduler)?, &sampling.levels.value);
        let prediction = self.prediction(batch);
        let network =
            Network { process: &process, whole_timesteps: sampling.whole_timesteps, call: |x, t| Ok(prediction(x, t)) };
        let mut watched = Watched::new(network, sampler.calls(levels), watch);
        let x = sample(&*sampler, &mut watched, noise, start * sampling.start_std, levels);
        // Every error of this denoiser is ours.
        let x = x.map_err(|stop| stop.downcast::<Error>().map_or_else(Error::backend, |e| *e))?;
        watched.check()?;
        Ok(x * process.input_scale(levels.last()))
    }

    /// What the U-Net predicts, given the texts of a batch.
    fn prediction(&self, batch: &Batch) -> Prediction<'_> {
        match (&self.networks, &self.model.kind) {
            (Networks::Text(networks), Kind::Text(parts)) => {
                let conditions = Conditions::encode(batch, parts, &networks.text);
                let guidance = batch.settings.guidance_scale();
                Box::new(move |x, t| predict(&networks.unet, &conditions, guidance, x, t))
            }
            (Networks::Unconditional(unet), _) => Box::new(|x, t| {
                let t = vec![t; x.dims()[0]];
                unet.forward(x.cast(unet.dtype()), &t).cast(TensorDType::F32)
            }),
            (Networks::Text(_), Kind::Unconditional(_)) => unreachable!("networks are those of their model"),
        }
    }

    /// The images of finished latents.
    pub(crate) fn images(&self, latents: Tensor<4>) -> Result<Vec<GeneratedImage>, Error> {
        let [count, ..] = latents.dims();
        let images = Image::from_tensor(self.networks.decode(latents.clone()))?;
        let image =
            |(latents, image): (Tensor<4>, Image)| Ok(GeneratedImage { image, latents: Latents::read(latents)? });
        latents.chunk(count, 0).into_iter().zip(images).map(image).collect()
    }
}
