use std::ops::ControlFlow;

use sd_pipeline::{Image, Pipeline, Request, SamplerName};
use sd_scenes::Sample;

use crate::EvaluateError;

/// Where the images of some scenes come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Images {
    /// Drawn by rule: no model is better.
    Renders,
    /// Those, through the model's autoencoder and back: no diffusion in its latents is better.
    Reconstructions,
    /// Drawn by the model from the captions.
    Samples(Drawing),
}

/// How a model draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawing {
    /// The sampler, with its options at their defaults.
    pub sampler: SamplerName,
    /// Its steps.
    pub steps: usize,
    /// How much the caption counts; 1 is the model as it was trained, and half the work.
    pub guidance: f64,
}

/// A scene, and the seed of its noise.
pub(crate) struct Subject {
    pub sample: Sample,
    pub seed: u64,
}

impl Images {
    /// Calls of the network that each image takes, or 1 for those that take none.
    pub(crate) fn cost(&self) -> u64 {
        match self {
            Self::Renders | Self::Reconstructions => 1,
            Self::Samples(drawing) => {
                let rows = if drawing.guidance == 1.0 { 1 } else { 2 };
                rows * (drawing.steps * drawing.sampler.entry().calls) as u64
            }
        }
    }

    /// The images of a batch of scenes; `watch` sees the share that is done.
    ///
    /// The model's images are of the renders' size.
    pub(crate) fn of(
        &self,
        pipeline: &Pipeline,
        subjects: &[Subject],
        watch: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Vec<Vec<u8>>, EvaluateError> {
        let renders = subjects.iter().map(|subject| &subject.sample.image);
        Ok(match self {
            Self::Renders => renders.map(|image| image.rgb.clone()).collect(),
            Self::Reconstructions => {
                let image = |image: &sd_scenes::Image| Image {
                    width: image.pixels,
                    height: image.pixels,
                    rgb: image.rgb.clone(),
                };
                let images: Vec<Image> = renders.map(image).collect();
                pipeline.reconstruct(&images)?.into_iter().map(|image| image.rgb).collect()
            }
            Self::Samples(drawing) => {
                let plan = |subject| pipeline.plan(&drawing.request(subject));
                let plans = subjects.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
                let drawn =
                    pipeline.drawings(&plans).watch(&mut |step| watch(step.call as f64 / step.calls as f64)).run_all();
                let drawn = drawn.map_err(|error| match error {
                    sd_pipeline::Error::Cancelled { .. } => EvaluateError::Cancelled,
                    other => other.into(),
                });
                drawn?.into_iter().map(|drawn| drawn.image.rgb).collect()
            }
        })
    }
}

impl Drawing {
    pub(crate) fn request(&self, subject: &Subject) -> Request {
        let pixels = subject.sample.image.pixels;
        Request {
            width: Some(pixels),
            height: Some(pixels),
            sampler: Some(self.sampler),
            steps: Some(self.steps),
            guidance: Some(self.guidance),
            seed: subject.seed,
            ..Request::new(&subject.sample.caption)
        }
    }
}
