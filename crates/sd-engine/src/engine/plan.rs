use std::path::PathBuf;

use sd_pipeline::{
    ControlImage, Error, Field, Hires, Init, Inpaint, Latents, Model, Plan, Request, RequestError, Upscaler,
};

use super::files::{self, JobFiles};
use super::notices::Notices;
use crate::{EngineError, EngineOptions, HiresPass, HiresSize, Job, Kind, Library, Pass, RefinerPass, Tiling};

/// A job with every default filled in.
#[derive(Debug)]
#[non_exhaustive]
pub struct Planned {
    /// The plan of the first pass.
    pub plan: Plan,
    /// The second pass at a larger size, with its plan.
    pub hires: Option<(Hires, Plan)>,
    /// The plan of the last steps with the refiner.
    pub refiner: Option<Plan>,
    pub(crate) files: JobFiles,
    /// The network that enlarges the image for the second pass.
    pub(crate) upscaler: Option<PathBuf>,
    pub(crate) notices: Notices,
    /// Network calls of each pass.
    calls: Vec<usize>,
    pub(super) together: usize,
}

impl Planned {
    pub(super) fn new(
        job: &Job,
        files: JobFiles,
        base: &Model,
        refiner: Option<&Model>,
        library: &Library,
        notices: Notices,
    ) -> Result<Self, EngineError> {
        if job.count == 0 {
            return Err(EngineError::Job("`count` 0: at least 1 image is needed".into()));
        }
        let request = request(job, &files.base)?;
        let denoising_end = job.refiner.as_ref().map(|refiner| refiner.start).or(request.denoising_end);
        let until_refiner = Request { denoising_end, ..request.clone() };
        let plan = Plan::new(base, if job.hires.is_some() { &request } else { &until_refiner }).map_err(of_refiner)?;
        let (calls, together) = (Vec::new(), 1);
        let mut planned = Self { plan, hires: None, refiner: None, files, upscaler: None, notices, calls, together };
        if let Some(pass) = &job.hires {
            let hires = pass.resolved(&planned.plan, base)?;
            let of_pass = |source| EngineError::Pass { pass: Pass::Hires, source };
            let plan = hires.plan(base, &until_refiner).map_err(of_pass)?;
            planned.hires = Some((hires, plan));
            if pass.library_upscaler().is_none() {
                planned.upscaler = library.locate(Kind::Upscaler, &pass.upscaler)?.path;
            }
        }
        if let (Some(pass), Some(model)) = (&job.refiner, refiner) {
            let before = planned.hires.as_ref().map_or(&planned.plan, |(_, plan)| plan);
            planned.refiner = Some(pass.plan(model, &request, before)?);
        }
        let passes = planned.passes(base, refiner);
        let calls = passes.iter().map(|(plan, model)| plan.calls(model)).collect::<Result<_, _>>()?;
        // Of several passes the last one knows where schedules end.
        let surprising = passes.last().map(|(plan, model)| plan.warnings(model)).unwrap_or_default();
        planned.calls = calls;
        planned.notices.warnings.extend(surprising);
        planned.notices.warnings.extend(resized_controls(&request, &planned.plan));
        if planned.files.base.model.path.is_none() {
            let words = base.split_words(&planned.plan.words());
            planned.notices.warnings.extend(unknown_words(&words));
        }
        Ok(planned)
    }

    /// Makes the autoencoders work in bands of rows where the memory asks for it.
    pub(super) fn tile_if_needed(&mut self, job: &Job, models: &[&Model], options: &EngineOptions) {
        if job.tiling != Tiling::Auto {
            return;
        }
        let (dtype, device) = (options.dtype, &options.device);
        let hires = self.hires.as_mut().map(|(_, plan)| plan);
        for plan in [&mut self.plan].into_iter().chain(hires) {
            plan.tile_if_needed(models[0], dtype, device);
        }
        if let (Some(plan), Some(model)) = (&mut self.refiner, models.get(1)) {
            plan.tile_if_needed(model, dtype, device);
        }
    }

    /// The plans of all passes, in order.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        let hires = self.hires.iter().map(|(_, plan)| plan);
        [&self.plan].into_iter().chain(hires).chain(&self.refiner)
    }

    /// The plans of all passes, each with its model.
    pub fn passes<'a>(&'a self, base: &'a Model, refiner: Option<&'a Model>) -> Vec<(&'a Plan, &'a Model)> {
        let hires = self.hires.iter().map(|(_, plan)| (plan, base));
        let refined = self.refiner.iter().zip(refiner);
        [(&self.plan, base)].into_iter().chain(hires).chain(refined).collect()
    }

    /// Number of network calls for an image, in all passes; the least, with an adaptive sampler.
    pub fn calls(&self) -> usize {
        self.calls.iter().sum()
    }

    /// Number of network calls of each pass.
    pub(super) fn calls_of_passes(&self) -> &[usize] {
        &self.calls
    }

    /// How many images of the job draw faster together than one after another, at least 1.
    pub fn together(&self) -> usize {
        self.together
    }

    /// What is worth knowing about the files, and what may surprise.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// What may surprise. Fields are in backticks.
    pub fn warnings(&self) -> &[String] {
        &self.notices.warnings
    }

    /// Width and height of the finished image in pixels.
    pub fn size(&self) -> (usize, usize) {
        let last = self.plans().last().unwrap_or(&self.plan);
        match &self.plan.overlay {
            Some(overlay) => (overlay.image.width, overlay.image.height),
            None => (last.settings.width.value, last.settings.height.value),
        }
    }
}

/// The request of a job, about the networks as the model counts them.
fn request(job: &Job, files: &files::Files) -> Result<Request, EngineError> {
    let mut request = Request { vae_tiling: job.tiling == Tiling::On, ..job.request.clone() };
    for ControlImage { network, .. } in &mut request.controls {
        *network = index_of(&files.controls, *network, "controls")?;
    }
    for prompt in &mut request.image_prompts {
        prompt.adapter = index_of(&files.image_adapters, prompt.adapter, "image_adapters")?;
    }
    Ok(request)
}

/// The index of a file in a list in which each file is once.
fn index_of<T: PartialEq>(all: &[T], index: usize, field: &str) -> Result<usize, EngineError> {
    let file = all.get(index).ok_or_else(|| {
        EngineError::Job(format!(
            "the request wants number {index} of `{field}`, which has {}, counted from 0",
            all.len()
        ))
    })?;
    let is_first = |at: &usize| !all[..*at].contains(&all[*at]);
    Ok((0..all.len()).filter(is_first).position(|at| all[at] == *file).unwrap_or(index))
}

/// An error about the share of the steps that another model makes belongs to the refiner.
fn of_refiner(error: Error) -> EngineError {
    match &error {
        Error::Request(RequestError { field: Field::DenoisingStart | Field::DenoisingEnd, .. }) => {
            EngineError::Pass { pass: Pass::Refiner, source: error }
        }
        _ => error.into(),
    }
}

impl HiresPass {
    /// The way to enlarge, if it needs no network.
    pub fn library_upscaler(&self) -> Option<Upscaler> {
        match self.upscaler.to_lowercase().as_str() {
            "lanczos" => Some(Upscaler::Lanczos),
            "latent" => Some(Upscaler::Latent),
            "latent-antialiased" => Some(Upscaler::LatentAntialiased),
            _ => None,
        }
    }

    fn resolved(&self, first: &Plan, model: &Model) -> Result<Hires, EngineError> {
        let sized = match self.size {
            HiresSize::Factor(factor) if (1.0..=16.0).contains(&factor) => Hires::new(factor, first, model),
            HiresSize::Factor(factor) => {
                return Err(EngineError::Job(format!("`hires` {factor}: a factor from 1 to 16 is needed")));
            }
            HiresSize::Size(width, height) => Hires { width, height, ..Hires::new(1.0, first, model) },
        };
        let upscaler = self.library_upscaler().unwrap_or(Upscaler::Lanczos);
        Ok(Hires { steps: self.steps, strength: self.strength, upscaler, ..sized })
    }
}

impl RefinerPass {
    /// Plans the last steps, which continue `before`.
    fn plan(&self, refiner: &Model, request: &Request, before: &Plan) -> Result<Plan, EngineError> {
        let shape = before.settings.latent_shape;
        let placeholder = Latents { values: vec![0.0; shape.iter().product()], shape };
        let request = Request {
            sampler: Some(before.settings.sampling.sampler.value),
            steps: Some(before.settings.sampling.steps.value),
            schedule: before.settings.sampling.schedule.clone(),
            init: Some(Init::Unfinished(placeholder)),
            denoising_start: Some(self.start),
            width: None,
            height: None,
            latents: None,
            variation: None,
            strength: None,
            regions: before.settings.regions.clone(),
            steps_before: before.settings.steps_before,
            inpaint: None,
            outpaint: None,
            // They belong to the base model.
            controls: Vec::new(),
            guess_mode: false,
            image_prompts: Vec::new(),
            ..request.clone()
        };
        let mut plan = Plan::new(refiner, &request).map_err(of_refiner)?;
        // Schedules go on where the pass before has left them.
        plan.settings.sampling.whole.clone_from(&before.settings.sampling.whole);
        Ok(plan)
    }
}

/// Which control images have another size than the drawing, unless they are cut or extended like the initial image.
fn resized_controls(request: &Request, plan: &Plan) -> Vec<String> {
    let (width, height) = (plan.settings.width.value, plan.settings.height.value);
    let is_part = |inpaint: &Inpaint| inpaint.only_masked.is_some();
    let initial = match &request.init {
        Some(Init::Image(image)) if request.outpaint.is_some() || request.inpaint.as_ref().is_some_and(is_part) => {
            Some((image.width, image.height))
        }
        _ => None,
    };
    let sizes = request.controls.iter().filter_map(|control| control.image.as_ref());
    let sizes = sizes.map(|image| (image.width, image.height));
    let resized = sizes.filter(|size| *size != (width, height) && Some(*size) != initial);
    resized
        .map(|(wide, high)| format!("`control`: the image of {wide}×{high} is resized to {width}×{height}"))
        .collect()
}

/// A warning of words that the built-in model has never seen.
pub fn unknown_words(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| {
        format!(
            "the built-in model of landscapes has never seen {}; a full Stable Diffusion model knows more words",
            words.join(", ")
        )
    })
}
