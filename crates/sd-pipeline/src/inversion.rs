use std::cell::Cell;
use std::ops::ControlFlow;
use std::slice;

use burn::tensor::Tensor;
use sd_model::Model;
use sd_samplers::{DenoiseError, Denoiser, invert};
use serde::{Deserialize, Serialize};

use crate::image_tensor::images_to_tensor;
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::plan::batch::Batch;
use crate::watch::{Step, Watched};
use crate::{Error, Image, Latents, Request};

/// How to invert an image: to find the noise from which DDIM draws it again.
///
/// In serde every field may be left out, and an unknown field is an error.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inversion {
    /// What the image shows. None is an empty prompt, where the model reads one.
    pub prompt: Option<String>,
    /// As in a [`Request`]; without guidance it makes no difference.
    pub negative_prompt: Option<String>,
    /// Steps of DDIM; none is the model's default. The more, the better the image is drawn again.
    pub steps: Option<usize>,
    /// Guidance scale; none is 1, without guidance. Larger scales amplify the error.
    pub guidance: Option<f64>,
}

impl Inversion {
    /// The request with which [`Pipeline::draw`] draws `image` again, as soon as it has the inverted
    /// [`latents`](Request::latents): DDIM with eta 0, at the image's size.
    pub fn request(&self, model: &Model, image: &Image) -> Request {
        let reads_text = model.reads_text();
        Request {
            prompt: self.prompt.clone().or(reads_text.then(String::new)),
            negative_prompt: self.negative_prompt.clone(),
            width: Some(image.width),
            height: Some(image.height),
            sampler: Some("ddim".parse().expect("it is in the catalogue")),
            steps: self.steps,
            guidance: self.guidance.or(reads_text.then_some(1.0)),
            ..Request::default()
        }
    }
}

impl Pipeline {
    /// Inverts an image to the noise from which DDIM draws it again (Song et al. 2021, section 5.4): encodes it, and walks its
    /// latents up the noise levels with [`sd_samplers::invert`].
    ///
    /// The result is scaled as [`Request::latents`] are. For an image of the model it is almost standard normal. What DDIM
    /// draws from it differs from what the autoencoder [reconstructs](Self::reconstruct) by an error of order 1 in the
    /// number of steps. Models in pixels may also clip what they draw, which an inversion does not.
    ///
    /// ```no_run
    /// # use sd_pipeline::{Error, Image, Inversion, Pipeline, Request};
    /// # fn example(pipeline: &Pipeline) -> Result<(), Error> {
    /// let image = Image::read("house.png")?;
    /// let inversion = Inversion { prompt: Some("a red house".into()), steps: Some(100), ..Inversion::default() };
    /// let latents = pipeline.invert(&image, &inversion)?;
    /// let again = Request { latents: Some(latents), ..inversion.request(pipeline.model(), &image) };
    /// Ok(pipeline.draw(&again)?.image.save("again.png")?)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Plan::new`] for the request, as [`encode`](Self::encode) for the image, and [`Error::NotFinite`] or
    /// [`Error::Backend`] if the computation fails.
    pub fn invert(&self, image: &Image, inversion: &Inversion) -> Result<Latents, Error> {
        self.invert_with(image, inversion, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`invert`](Self::invert), with a callback after every call of the network, which can end the inversion.
    ///
    /// # Errors
    ///
    /// As [`invert`](Self::invert), and [`Error::Cancelled`].
    pub fn invert_with(
        &self,
        image: &Image,
        inversion: &Inversion,
        watch: &mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Latents, Error> {
        let Self { model, components, device } = self;
        let plan = Plan::new(model, &inversion.request(model, image))?;
        let batch = Batch { settings: &plan.settings, plans: vec![&plan] };
        let sampling = &batch.settings.sampling;
        let (levels, process) = (&sampling.levels.value, &components.process);
        let (networks, level) = (self.networks(), Cell::new(0));
        let mut guided = networks.guided(batch.settings, networks.texts(&batch, None)?, None, &level)?;
        // A step up is guided as the step down between the same levels.
        let denoiser = |x: Tensor<4>, sigma: f64| -> Result<Tensor<4>, DenoiseError> {
            let here = levels.sigmas().iter().rposition(|level| *level >= sigma).unwrap_or(0);
            level.set(here.saturating_sub(1));
            guided.denoise(x, sigma)
        };
        let images = slice::from_ref(image);
        let clean = match components.autoencoder {
            Some(_) => self.latents(images)?,
            None => images_to_tensor(images, device),
        };
        let calls = |_| levels.steps();
        let mut watched = Watched::new(denoiser, &calls, Vec::new(), watch);
        let noise = invert(&mut watched, clean / process.input_scale(levels.last()), levels);
        // This denoiser returns only errors of this crate.
        let noise = noise.map_err(|error| error.downcast::<Error>().map_or_else(Error::backend, |e| *e))?;
        watched.check()?;
        Latents::read(noise / sampling.start_std)
    }
}
