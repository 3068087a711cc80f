use std::ops::ControlFlow;

use sd_image::Image;
use sd_pipeline::{Error, GeneratedImage, Init, Plan, Step};
use sd_upscale::{Tile, Upscaler};

use super::slot::Slot;
use super::{Planned, parameters};
use crate::{Drawn, EngineError, EngineOptions, Job, Library, Pass, Record};

/// A job whose models are loaded.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(super) job: Job,
    pub(super) planned: Planned,
    pub(super) library: &'a Library,
    pub(super) options: &'a EngineOptions,
    pub(super) base: &'a Slot,
    pub(super) refiner: Option<&'a Slot>,
    pub(super) upscaler: Option<&'a Upscaler>,
}

/// A network call, reported while images are drawn.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The number of this call, from 1.
    pub call: usize,
    /// Number of calls for the images, in all their passes; of an adaptive sampler, what is expected so far.
    pub calls: usize,
    /// The share of the work for the images that is done, above 0, up to 1; the calls of each pass count alike on average.
    pub done: f64,
    /// Noise level of the call.
    pub sigma: f64,
    slot: &'a Slot,
    step: &'a Step<'a>,
}

impl Progress<'_> {
    /// What the first image will be like: small, one pixel for each latent.
    ///
    /// # Errors
    ///
    /// [`EngineError::Pipeline`] if the values are not finite, or if the device fails.
    pub fn preview(&self) -> Result<Image, EngineError> {
        let first = self.step.denoised.clone().narrow(0, 0, 1);
        Ok(self.slot.preview()?.images(&first)?.remove(0))
    }
}

type Watch<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + 'a;

impl Prepared<'_> {
    /// The job's plan.
    pub fn planned(&self) -> &Planned {
        &self.planned
    }

    /// What may surprise. Fields are in backticks.
    pub fn warnings(&self) -> &[String] {
        self.planned.warnings()
    }

    /// Draws image `index` of the job, from 0. `watch` is called after each network call, and can end the drawing.
    ///
    /// # Errors
    ///
    /// [`EngineError`]; [`is_cancelled`](EngineError::is_cancelled) if `watch` ended it.
    pub fn draw(&self, index: u64, watch: &mut Watch) -> Result<Drawn, EngineError> {
        let plan = self.plan(index);
        let drawn = self.draw_passes(&plan, watch)?;
        self.drawn(index, &plan, drawn)
    }

    /// Draws several images of the job, as [`draw`](Self::draw) draws each: together if that is [faster](Planned::together). `watch` is
    /// called after each network call for all of them. An error in one image fails them all.
    ///
    /// # Errors
    ///
    /// As [`draw`](Self::draw).
    ///
    /// # Panics
    ///
    /// Panics if there are more images than are drawn together.
    pub fn draw_together(&self, images: &[u64], watch: &mut Watch) -> Result<Vec<Drawn>, EngineError> {
        assert!(images.len() <= self.planned.together, "{images:?} of {} together", self.planned.together);
        if let [index] = images {
            return Ok(vec![self.draw(*index, watch)?]);
        }
        let plans: Vec<Plan> = images.iter().map(|index| self.plan(*index)).collect();
        let drawn = self.base.pipeline().drawings(&plans).watch(&mut self.watch(0, self.base, watch)).run_all()?;
        images.iter().zip(&plans).zip(drawn).map(|((index, plan), drawn)| self.drawn(*index, plan, drawn)).collect()
    }

    /// The first plan of an image.
    fn plan(&self, index: u64) -> Plan {
        let mut plan = self.planned.plan.clone();
        plan.seed = plan.seed.wrapping_add(index);
        plan
    }

    /// An image with what it says of itself.
    fn drawn(
        &self,
        index: u64,
        plan: &Plan,
        GeneratedImage { image, latents }: GeneratedImage,
    ) -> Result<Drawn, EngineError> {
        let used = parameters::used(&self.planned.files, self.planned.upscaler.as_deref(), self.library)?;
        let parameters = parameters::parameters(&self.job, &self.planned, plan, &used).to_string();
        let record = Record::new(&self.job.single(index), plan, used, self.options);
        Ok(Drawn { image, latents, seed: plan.seed, parameters, record })
    }

    /// Draws all passes of an image. What a refiner continues is not decoded.
    fn draw_passes(&self, first: &Plan, watch: &mut Watch) -> Result<GeneratedImage, EngineError> {
        let (mut last, base) = (first.clone(), self.base.pipeline());
        let mut pass = 0;
        if let Some((hires, plan)) = &self.planned.hires {
            let drawn = base.drawing(first).watch(&mut self.watch(pass, self.base, watch)).run()?;
            pass += 1;
            let init = match self.upscaler.filter(|_| self.planned.upscaler.is_some()) {
                Some(upscaler) => {
                    let size = [hires.width, hires.height];
                    let mut go_on = |_: sd_upscale::Parts| ControlFlow::Continue(());
                    Init::Image(upscaler.upscale_to(&drawn.image, size, Tile::Auto, &mut go_on)?)
                }
                None => hires.enlarged(&drawn),
            };
            last = like(plan, first);
            last.init = Some(init);
        }
        let is_second = pass > 0;
        let of_second = |source: Error| match is_second {
            true => EngineError::Pass { pass: Pass::Hires, source },
            false => source.into(),
        };
        let mut watched = self.watch(pass, self.base, watch);
        let drawing = base.drawing(&last).watch(&mut watched);
        let Some((refiner, plan)) = self.refiner.zip(self.planned.refiner.as_ref()) else {
            return drawing.run().map_err(of_second);
        };
        let latents = drawing.latents().map_err(of_second)?.remove(0);
        drop(watched);
        let mut plan = like(plan, first);
        plan.init = Some(Init::Unfinished(latents));
        plan.overlay.clone_from(&first.overlay);
        let drawn = refiner.pipeline().drawing(&plan).watch(&mut self.watch(pass + 1, refiner, watch)).run();
        drawn.map_err(|source| EngineError::Pass { pass: Pass::Refiner, source })
    }

    /// Reports the steps of a pass as calls of the whole image.
    fn watch<'w>(
        &'w self,
        pass: usize,
        slot: &'w Slot,
        watch: &'w mut Watch,
    ) -> impl FnMut(&Step) -> ControlFlow<()> + 'w {
        let passes = self.planned.calls_of_passes();
        let (before, after): (usize, usize) = (passes[..pass].iter().sum(), passes[pass + 1..].iter().sum());
        move |step| {
            let (call, calls) = (before + step.call, before + step.calls + after);
            let done = (before as f64 + step.done * step.calls as f64) / calls as f64;
            watch(&Progress { call, calls, done, sigma: step.sigma, slot, step })
        }
    }
}

/// A pass over the image of another plan, with its texts and its seed.
fn like(pass: &Plan, first: &Plan) -> Plan {
    let mut plan = pass.clone();
    (plan.seed, plan.prompt) = (first.seed, first.prompt.clone());
    plan.settings.negative_prompt.clone_from(&first.settings.negative_prompt);
    plan
}
