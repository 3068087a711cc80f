use std::cell::Cell;
use std::ops::ControlFlow;

use burn::tensor::Tensor;
use sd_samplers::{Noise, Sampler, State, sample_steps};
use sd_schedule::NoiseLevels;

use crate::guided::GivenEmbeddings;
use crate::networks::Networks;
use crate::noises::{Noises, Source};
use crate::pipeline::Pipeline;
use crate::plan::Plan;
use crate::plan::batch::Batch;
use crate::start::{Masked, Start};
use crate::watch::{Step, StepEnd, Watched, expected};
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
    /// On `flex` each image has the bits that it has when [drawn](Self::draw) alone. Elsewhere it is the same up to rounding: libraries may
    /// order sums by the size of a batch. Memory grows with the batch.
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
/// Ok(drawn.image.save("image.png")?)
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
    pub fn run_all(self) -> Result<Vec<GeneratedImage>, Error> {
        let plans = self.plans;
        self.each(|networks, indices, latents| {
            let images = images_from_tensor(networks.decoded(latents.clone()))?;
            let drawn = indices.iter().zip(latents.chunk(indices.len(), 0)).zip(images);
            let drawn = drawn.map(|((index, latents), image)| {
                let image =
                    plans[*index].overlay.as_ref().map_or_else(|| image.clone(), |overlay| overlay.apply(&image));
                Ok(GeneratedImage { image, latents: Latents::read(latents)? })
            });
            drawn.collect()
        })
    }

    /// Draws all latents without decoding them, in the order of their plans: for drawings that are continued.
    ///
    /// # Errors
    ///
    /// As [`run_all`](Self::run_all).
    pub fn latents(self) -> Result<Vec<Latents>, Error> {
        self.each(|_, indices, latents| latents.chunk(indices.len(), 0).into_iter().map(Latents::read).collect())
    }

    /// Samples every batch, and makes results of its latents; `finish` also gets the indices of the batch's plans.
    fn each<T>(
        mut self,
        finish: impl Fn(&Networks, &[usize], Tensor<4>) -> Result<Vec<T>, Error>,
    ) -> Result<Vec<T>, Error> {
        let groups = Batch::group(self.plans, &self.pipeline.model)?;
        if groups.len() > 1 && self.embeddings.is_some() {
            return Err(Error::Embeddings(
                "embeddings need images that share their settings: draw the others apart".into(),
            ));
        }
        let mut results: Vec<Option<T>> = self.plans.iter().map(|_| None).collect();
        for (indices, batch) in groups {
            let networks = self.pipeline.networks().with(batch.settings)?;
            let latents = self.sample(&networks, &batch)?;
            for (index, result) in indices.iter().zip(finish(&networks, &indices, latents)?) {
                results[*index] = Some(result);
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    /// Samples the latents of a batch, scaled for the autoencoder.
    fn sample(&mut self, networks: &Networks, batch: &Batch) -> Result<Tensor<4>, Error> {
        let Networks { model, components, .. } = networks;
        let level = Cell::new(batch.settings.sampling.made.start);
        let sampling = &batch.settings.sampling;
        let (own, levels, made) = (sampling.sampler(model.scheduler())?, &sampling.levels.value, sampling.made.clone());
        let sampler = self.sampler.unwrap_or(&*own);
        if levels.steps() < sampler.min_steps() {
            let (steps, least) = (levels.steps(), sampler.min_steps());
            return Err(Error::request(Field::Steps, format!("{steps}: this sampler needs at least {least}")));
        }
        let texts = networks.texts(batch, self.embeddings.as_ref())?;
        let mut source = match &mut self.noise {
            Some(noise) => Source::Given(&mut **noise),
            None => Source::Seeds(Noises::of_seeds(&batch.plans)),
        };
        let Start { x, known, channels } = networks.start(batch, &mut source)?;
        let guided = networks.guided(batch.settings, texts, channels, &level)?;
        let known = known.as_ref();
        let masked = Masked { model: guided, known, is_first: true };
        let mut ignore = |_: &Step| ControlFlow::Continue(());
        let watch: &mut Watch = match &mut self.watch {
            Some(watch) => &mut **watch,
            None => &mut ignore,
        };
        let part = NoiseLevels::new(sampling.visited().to_vec())?;
        let least = sampler.calls(&part);
        let calls = |call| match sampler.is_adaptive() {
            true => expected(call, level.get() - made.start, made.len(), least),
            false => least,
        };
        let done = batch.plans[0].done_after_calls(model)?;
        let mut watched = Watched::new(masked, &calls, done, watch);
        let mut after = |state: &mut State| {
            let sigma = levels.sigmas()[state.steps];
            level.set(state.steps);
            if let Some(known) = known {
                state.x = known.blend(state.x.clone(), sigma);
            }
            let Some(after_step) = &mut self.after_step else { return Ok(()) };
            let (step, steps) = (state.steps - made.start, made.len());
            match after_step(&mut StepEnd { step, steps, sigma, latents: &mut state.x }) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Error::Cancelled { what: "step", call: step, calls: steps }.into()),
            }
        };
        let x = sample_steps(sampler, &mut watched, source.noise(), x, levels, made.clone(), &mut after);
        // This denoiser returns only errors of this crate.
        let x = x.map_err(|error| error.downcast::<Error>().map_or_else(Error::backend, |e| *e))?;
        watched.check()?;
        let x = x * components.process.mixture_scale(levels.sigmas()[made.end]);
        Ok(match known {
            // As in diffusers the kept part ends without noise, even where the last level is above 0.
            Some(known) if made.end == levels.steps() => known.blend(x, 0.0),
            _ => x,
        })
    }
}
