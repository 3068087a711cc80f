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

/// A network call, reported while an image is drawn.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The number of this call, from 1.
    pub call: usize,
    /// Number of calls for the image, in all its passes.
    pub calls: usize,
    /// Noise level of the call.
    pub sigma: f64,
    slot: &'a Slot,
    step: &'a Step<'a>,
}

impl Progress<'_> {
    /// What the image will be like: small, one pixel for each latent.
    ///
    /// # Errors
    ///
    /// [`EngineError::Pipeline`] if the values are not finite, or if the device fails.
    pub fn preview(&self) -> Result<Image, EngineError> {
        Ok(self.slot.preview()?.images(self.step.denoised)?.remove(0))
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
        let mut plan = self.planned.plan.clone();
        plan.seed = plan.seed.wrapping_add(index);
        let GeneratedImage { image, latents } = self.draw_passes(&plan, watch)?;
        let used = parameters::used(&self.planned.files, self.planned.upscaler.as_deref(), self.library)?;
        let parameters = parameters::parameters(&self.job, &self.planned, &plan, &used).to_string();
        let record = Record::new(&self.job.single(index), &plan, used, self.options);
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
        let before: usize = self.planned.calls_of_passes()[..pass].iter().sum();
        let calls = self.planned.calls();
        move |step| watch(&Progress { call: before + step.call, calls, sigma: step.sigma, slot, step })
    }
}

/// A pass over the image of another plan, with its texts and its seed.
fn like(pass: &Plan, first: &Plan) -> Plan {
    let mut plan = pass.clone();
    (plan.seed, plan.prompt) = (first.seed, first.prompt.clone());
    plan.settings.negative_prompt.clone_from(&first.settings.negative_prompt);
    plan
}
