use std::ops::ControlFlow;

use sd_pipeline::{Image, Pipeline, Request, SamplerName};
use sd_scenes::Sample;

use crate::EvaluateError;

/// The source of the images of some scenes.
#[derive(Debug, Clone, PartialEq)]
pub enum Images {
    /// Drawn by rule: no model can be better.
    Renders,
    /// Renders that the model's autoencoder encodes and decodes: no diffusion in its latents can be better.
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
    /// The guidance scale; 1 is the model as it was trained, at half the cost.
    pub guidance: f64,
}

/// A scene, and the seed of its noise.
pub(crate) struct Subject {
    pub sample: Sample,
    pub seed: u64,
}

impl Images {
    /// Network calls for each image, or 1 if it needs none.
    pub(crate) fn cost(&self) -> u64 {
        match self {
            Self::Renders | Self::Reconstructions => 1,
            Self::Samples(drawing) => {
                let rows = if drawing.guidance == 1.0 { 1 } else { 2 };
                rows * (drawing.steps * drawing.sampler.info().calls) as u64
            }
        }
    }

    /// Makes the images of a batch of scenes, all of the renders' size, and reports the finished share to `watch`.
    ///
    /// Returns the bytes of each image: red, green and blue of each pixel, row by row.
    pub(crate) fn rgb(
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
