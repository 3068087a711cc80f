use std::ops::ControlFlow;

use burn::tensor::Tensor;
use sd_samplers::{Network, Noise, Sampler, State, sample_with};
use sd_unet::Conditions;

use crate::conditions::{GivenEmbeddings, conditions};
use crate::guidance::predict;
use crate::noises::Noises;
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::plan::batch::Batch;
use crate::watch::{Step, StepEnd, Watched};
use crate::{Embeddings, Error, Field, Image, Latents, Request, images_from_tensor};

/// A generated image.
#[derive(Debug, Clone)]
pub struct GeneratedImage {
    /// The pixels.
    pub image: Image,
    /// The latents before decoding; for a model in pixels, the values before clipping and rounding.
    pub latents: Latents,
}

impl Pipeline {
    /// Plans a request and draws it, with the [`noise`](Plan::noise) of its seed.
    ///
    /// # Errors
    ///
    /// [`Error`] for a request that cannot be drawn, and for values that do not stay finite.
    pub fn draw(&self, request: &Request) -> Result<GeneratedImage, Error> {
        self.drawing(&self.plan(request)?).run()
    }

    /// Prepares the drawing of a plan. Add your own callbacks, noise, sampler or embeddings, then [run](Drawing::run) it.
    pub fn drawing<'a>(&'a self, plan: &'a Plan) -> Drawing<'a> {
        Drawing::new(self, std::slice::from_ref(plan))
    }

    /// Prepares the drawing of several plans, each with the [`noise`](Plan::noise) of its own seed. Plans with the same
    /// [settings](crate::Settings) are drawn together in one batch.
    ///
    /// Each image is the same as when [drawn](Self::draw) alone, up to rounding: libraries may order sums by the size of a
    /// batch. Memory grows with the batch.
    pub fn drawings<'a>(&'a self, plans: &'a [Plan]) -> Drawing<'a> {
        Drawing::new(self, plans)
    }
}

/// Called after every network call; can end the drawing.
type Watch<'a> = dyn FnMut(&Step) -> ControlFlow<()> + 'a;
/// Called after every step; can change its latents or end the drawing.
type AfterStep<'a> = dyn FnMut(&mut StepEnd) -> ControlFlow<()> + 'a;

/// A prepared drawing that has not begun; [`Pipeline::drawing`] makes it.
///
/// ```no_run
/// # use sd_pipeline::{Error, Pipeline, Plan, TorchNoise};
/// # fn draw(pipeline: &Pipeline, plan: &Plan) -> Result<(), Error> {
/// use std::ops::ControlFlow;
///
/// let mut noise = TorchNoise::new(7);
/// let drawn = pipeline
///     .drawing(plan)
///     .noise(&mut noise)
///     .watch(&mut |step| {
///         println!("call {} of {} at noise level {:.2}", step.call, step.calls, step.sigma);
///         ControlFlow::Continue(())
///     })
///     .run()?;
/// drawn.image.save("image.png")
/// # }
/// ```
#[must_use = "a drawing does nothing before it runs"]
pub struct Drawing<'a> {
    pipeline: &'a Pipeline,
    plans: &'a [Plan],
    noise: Option<&'a mut dyn Noise>,
    sampler: Option<&'a dyn Sampler>,
    embeddings: Option<GivenEmbeddings>,
    watch: Option<&'a mut Watch<'a>>,
    after_step: Option<&'a mut AfterStep<'a>>,
}

impl<'a> Drawing<'a> {
    pub(crate) fn new(pipeline: &'a Pipeline, plans: &'a [Plan]) -> Self {
        Self { pipeline, plans, noise: None, sampler: None, embeddings: None, watch: None, after_step: None }
    }

    /// Draws with your own noise instead of the seed's.
    pub fn noise(self, noise: &'a mut dyn Noise) -> Self {
        Self { noise: Some(noise), ..self }
    }

    /// Draws with your own sampler, at the plan's noise levels. [`run`](Self::run) fails with [`Error::Request`] if there are too few
    /// levels for it.
    pub fn sampler(self, sampler: &'a dyn Sampler) -> Self {
        Self { sampler: Some(sampler), ..self }
    }

    /// Draws from embeddings instead of the plan's prompt, one row for each image. Without negative embeddings, the plan's
    /// negative prompt is encoded; a single negative row applies to all images.
    pub fn embeddings(self, prompt: Embeddings, negative: Option<Embeddings>) -> Self {
        Self { embeddings: Some(GivenEmbeddings { prompt, negative }), ..self }
    }

    /// Calls `watch` after every call of the network. It can end the drawing, with [`Error::Cancelled`].
    pub fn watch(self, watch: &'a mut Watch<'a>) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Calls `after_step` after every step of the sampler. It can change the latents, or end the drawing with
    /// [`Error::Cancelled`].
    pub fn after_step(self, after_step: &'a mut AfterStep<'a>) -> Self {
        Self { after_step: Some(after_step), ..self }
    }

    /// Draws the image; returns the first one of several.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for a plan of another model, [`Error::Embeddings`] for embeddings that do not fit,
    /// [`Error::Cancelled`], and [`Error::NotFinite`] or [`Error::Backend`] if the computation fails.
    ///
    /// # Panics
    ///
    /// Panics if there are no plans.
    pub fn run(self) -> Result<GeneratedImage, Error> {
        assert!(!self.plans.is_empty(), "a drawing without plans");
        Ok(self.run_all()?.remove(0))
    }

    /// Draws all images, in the order of their plans. An error in one image fails them all.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), and [`Error::Embeddings`] for embeddings with plans of different settings.
    pub fn run_all(mut self) -> Result<Vec<GeneratedImage>, Error> {
        let (pipeline, groups) = (self.pipeline, Batch::group(self.plans, &self.pipeline.model)?);
        if groups.len() > 1 && self.embeddings.is_some() {
            return Err(Error::Embeddings(
                "embeddings need images that share their settings: draw the others apart".into(),
            ));
        }
        let mut drawn: Vec<Option<GeneratedImage>> = self.plans.iter().map(|_| None).collect();
        for (indices, batch) in groups {
            let latents = self.sample(&batch)?;
            let images = images_from_tensor(pipeline.decoded(latents.clone()))?;
            for ((index, latents), image) in indices.iter().zip(latents.chunk(indices.len(), 0)).zip(images) {
                drawn[*index] = Some(GeneratedImage { image, latents: Latents::read(latents)? });
            }
        }
        Ok(drawn.into_iter().flatten().collect())
    }

    /// Samples the latents of a batch, scaled for the autoencoder.
    fn sample(&mut self, batch: &Batch) -> Result<Tensor<4>, Error> {
        let Pipeline { model, components, device } = self.pipeline;
        let sampling = &batch.settings.sampling;
        let (own, levels) = (sampling.sampler(model.scheduler())?, &sampling.levels.value);
        let sampler = self.sampler.unwrap_or(&*own);
        if levels.steps() < sampler.min_steps() {
            let (steps, least) = (levels.steps(), sampler.min_steps());
            return Err(Error::request(Field::Steps, format!("{steps}: this sampler needs at least {least}")));
        }
        let conditions = self.conditions(batch)?;
        let mut of_seeds = Noises::of_seeds(&batch.plans);
        let (start, noise): (_, &mut dyn Noise) = match &mut self.noise {
            Some(noise) => (batch.start(&mut **noise, device), &mut **noise),
            None => (of_seeds.starts(&batch.plans, device), &mut of_seeds),
        };
        let start = start * sampling.start_std;
        let guidance = batch.settings.guidance_scale();
        let network = Network {
            process: &components.process,
            whole_timesteps: sampling.whole_timesteps,
            call: |x, t| Ok(predict(&*components.backbone, conditions.as_ref(), guidance, x, t)),
        };
        let (mut ignore, steps) = (|_: &Step| ControlFlow::Continue(()), levels.steps());
        let watch: &mut Watch = match &mut self.watch {
            Some(watch) => &mut **watch,
            None => &mut ignore,
        };
        let mut watched = Watched::new(network, sampler.calls(levels), watch);
        let mut after = |state: &mut State| match &mut self.after_step {
            None => Ok(()),
            Some(after_step) => {
                let mut end =
                    StepEnd { step: state.steps, steps, sigma: levels.sigmas()[state.steps], latents: &mut state.x };
                match after_step(&mut end) {
                    ControlFlow::Continue(()) => Ok(()),
                    ControlFlow::Break(()) => {
                        Err(Error::Cancelled { what: "step", call: state.steps, calls: steps }.into())
                    }
                }
            }
        };
        let x = sample_with(sampler, &mut watched, noise, start, levels, &mut after);
        // This denoiser returns only errors of this crate.
        let x = x.map_err(|error| error.downcast::<Error>().map_or_else(Error::backend, |e| *e))?;
        watched.check()?;
        Ok(x * components.process.input_scale(levels.last()))
    }

    /// The backbone's text conditions; none if it reads no text.
    fn conditions(&self, batch: &Batch) -> Result<Option<Conditions>, Error> {
        let Pipeline { model, components, .. } = self.pipeline;
        let Some(encoder) = &components.text_encoder else { return Ok(None) };
        conditions(batch, &**encoder, model.zeros_for_no_negative(), self.embeddings.as_ref()).map(Some)
    }
}
