use std::ops::ControlFlow;

use sd_engine::{Drawn, Engine, EngineError, Job, Planned, Progress};
use sd_image::Image;
use sd_pipeline::{Error, Model, Prompt};

use super::{Artist, Failure, Outline, Step, Tokens, Watch};

impl Artist for Engine {
    fn plan(&mut self, job: &Job) -> Result<Outline, Failure> {
        let planned = Engine::plan(self, job)?;
        let mut warnings = planned.warnings().to_vec();
        warnings.extend(self.memory_warnings(&planned)?);
        let model = self.models(&planned)[0];
        Ok(Outline { warnings, tokens: tokens(model, job, &planned), ..outline(&planned) })
    }

    fn draw(&mut self, job: &Job, images: &[u64], watch: &mut Watch<'_>) -> Result<Vec<Drawn>, Failure> {
        let prepared = self.prepare(job)?;
        let images = &images[..images.len().min(prepared.planned().together())];
        let mut step = |progress: &Progress<'_>| {
            // A preview that fails is none; the drawing itself will say why.
            let preview = || progress.preview().ok();
            let Progress { call, calls, done, .. } = *progress;
            watch(&Step { call, calls, done, images: images.len(), preview: &preview })
        };
        Ok(prepared.draw_together(images, &mut step)?)
    }

    fn upscale(
        &mut self,
        image: &Image,
        upscaler: Option<&str>,
        size: [usize; 2],
        watch: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Image, Failure> {
        Ok(Engine::upscale(self, image, upscaler, size, watch)?)
    }

    fn unload(&mut self) {
        Engine::unload(self);
    }

    fn loaded(&self) -> Vec<String> {
        Engine::loaded(self)
    }
}

fn outline(planned: &Planned) -> Outline {
    let (width, height) = planned.size();
    let settings = &planned.plan.settings;
    Outline {
        width,
        height,
        sampler: settings.sampling.sampler.value.to_string(),
        guidance: settings.guidance.as_ref().map(|guidance| guidance.value),
        steps: planned.plans().map(|plan| plan.settings.sampling.steps.value).sum(),
        calls: planned.calls(),
        text: planned.plan.to_string(),
        ..Outline::default()
    }
}

fn tokens(model: &Model, job: &Job, planned: &Planned) -> Vec<Tokens> {
    let (request, steps) = (&job.request, planned.plan.settings.sampling.steps.value);
    let count = |field, prompt: &Prompt| {
        // Of a text that changes between steps, the longest form counts.
        let parts = prompt.parts.iter().map(|part| {
            let forms = part.phases(steps).into_iter().map(|phase| {
                let chunks = model.tokens(&phase.text).into_iter().next().unwrap_or_default();
                (chunks.iter().map(Vec::len).sum::<usize>(), chunks.len())
            });
            forms.max().unwrap_or((0, 1))
        });
        let (count, chunks) = parts.fold((0, 0), |(count, chunks), part| (count + part.0, chunks + part.1));
        Tokens { field, count, chunks }
    };
    let syntax = request.prompt_syntax;
    let prompt = request.prompt.as_ref().map(|text| count("prompt", &Prompt::parse(text, syntax)));
    let negative = request.negative_prompt.as_ref();
    let negative = negative.map(|text| count("negative_prompt", &Prompt::parse_negative(text, syntax)));
    if model.reads_text() { prompt.into_iter().chain(negative).collect() } else { Vec::new() }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        if error.is_cancelled() {
            Self::Cancelled
        } else if error.is_usage() || is_not_finite(&error) {
            Self::Usage(error.to_string())
        } else {
            Self::Device(error.to_string())
        }
    }
}

/// Whether numbers went out of bounds, as with a guidance of 1e300. The device is well, and the same job would fail again: nobody should
/// repeat it.
fn is_not_finite(error: &EngineError) -> bool {
    match error {
        EngineError::Pipeline(error) | EngineError::Pass { source: error, .. } => {
            matches!(error, Error::NotFinite { .. } | Error::NotFiniteImage)
        }
        _ => false,
    }
}
