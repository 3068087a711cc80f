//! Images that are drawn again and again from the same noise.

use std::ops::Range;

use sd_pipeline::{Error, NoiseLevels, Pipeline, Plan, Request, SamplerName, Schedule, Tensor};
use sd_tune::{Steps, Trajectory};

use crate::cancel::Cancel;
use crate::failure::Failure;
use crate::schedule::of_steps;

/// The images, each with its request.
pub struct Images<'a> {
    pub pipeline: &'a Pipeline,
    pub requests: Vec<Request>,
    /// How many are drawn at once.
    pub batch: usize,
    pub cancel: &'a Cancel,
}

/// Steps of a converged image.
const MANY: usize = 100;

impl Images<'_> {
    /// Draws some of the images with other steps; returns the latents of each.
    pub fn draw(&self, steps: &Steps, images: Range<usize>) -> Result<Vec<Vec<f32>>, Failure> {
        let mut drawn = Vec::new();
        for first in images.clone().step_by(self.batch) {
            let plans = self.plans(first..images.end.min(first + self.batch), steps)?;
            let latents = self.pipeline.drawings(&plans).watch(&mut |_| self.cancel.flow()).latents()?;
            drawn.extend(latents.into_iter().map(|latents| latents.values));
        }
        Ok(drawn)
    }

    /// Steps of a sampler at the levels of a schedule, or else at its usual ones, as many as the requests have.
    pub fn steps(&self, sampler: SamplerName, schedule: Option<Schedule>) -> Result<Steps, Error> {
        let request = Request { sampler: Some(sampler), schedule, ..self.requests[0].clone() };
        let levels = self.pipeline.plan(&request)?.settings.sampling.levels.value;
        Ok(Steps::new(sampler.info().name, levels))
    }

    /// Draws some of the images with many steps between the first of some levels and 0: the latents of each, and all points of
    /// their walk.
    pub fn converge(&self, from: f64, images: Range<usize>) -> Result<(Vec<Vec<f32>>, Trajectory), Failure> {
        let levels = many(from)?;
        let plans = self.plans(images, &Steps::new("lms", levels.clone()))?;
        let (mut reached, mut denoised) = (Vec::new(), Vec::new());
        let latents = self
            .pipeline
            .drawings(&plans)
            .watch(&mut |step| {
                denoised.push(values(step.denoised));
                self.cancel.flow()
            })
            .after_step(&mut |end| {
                reached.push(values(end.latents));
                self.cancel.flow()
            })
            .latents()?;
        let (reached, denoised) = (all(reached)?, all(denoised)?);
        // The walk begins one point before: where the first denoised image and the step from there lead back to.
        let sigmas = levels.sigmas();
        let share = (sigmas[0] / sigmas[1]) as f32;
        let start =
            reached[0].iter().zip(&denoised[0]).map(|(x, denoised)| denoised + (x - denoised) * share).collect();
        let x = [start].into_iter().chain(reached).collect();
        let trajectory = Trajectory { sigmas: sigmas.to_vec(), x, denoised };
        Ok((latents.into_iter().map(|latents| latents.values).collect(), trajectory))
    }

    fn plans(&self, images: Range<usize>, steps: &Steps) -> Result<Vec<Plan>, Error> {
        let (sampler, schedule) = (Some(steps.sampler.parse()?), Some(of_steps(steps.clone())));
        let plan = |request: &Request| {
            self.pipeline.plan(&Request { sampler, schedule: schedule.clone(), steps: None, ..request.clone() })
        };
        self.requests[images].iter().map(plan).collect()
    }
}

/// The values of images on the host.
fn values(x: &Tensor<4>) -> Result<Vec<f32>, String> {
    let data = x.clone().try_into_data().map_err(|error| error.to_string())?;
    data.convert::<f32>().try_to_vec().map_err(|error| format!("{error:?}"))
}

fn all(values: Vec<Result<Vec<f32>, String>>) -> Result<Vec<Vec<f32>>, Failure> {
    values.into_iter().collect::<Result<_, _>>().map_err(Failure::new)
}

/// Many levels down to 0. The angles `atan sigma` are even in their third roots: most levels are low, and few are in pure noise, where
/// paths are straight.
fn many(from: f64) -> Result<NoiseLevels, Error> {
    const LOW: f64 = 0.02;
    let (top, bottom) = (from.atan().cbrt(), LOW.atan().cbrt());
    let level = |i: usize| (top + (bottom - top) * i as f64 / (MANY - 1) as f64).powi(3).tan();
    let sigmas = [from].into_iter().chain((1..MANY).map(level)).chain([0.0]);
    Ok(NoiseLevels::new(sigmas.collect())?)
}
