//! Flags over what an image says.

use sd_engine::Job;
use serde_json::Value;

use crate::failure::Failure;

/// The job of an image with those fields of `flags` that are set.
///
/// A new sampler has its own options, and a list of noise levels its own number of steps.
pub fn overlaid(mut image: Job, flags: &Job) -> Result<Job, Failure> {
    let given = &flags.request;
    if given.sampler.is_some() && given.sampler != image.request.sampler {
        image.request.options.clear();
    }
    if given.schedule.as_ref().is_some_and(|schedule| schedule.steps().is_some()) {
        image.request.steps = None;
    }
    let json = |job: &Job| serde_json::to_value(job).map_err(|error| Failure::new(format!("--from: {error}")));
    let mut value = json(&image)?;
    overlay(&mut value, json(flags)?, &json(&Job::default())?);
    serde_json::from_value(value).map_err(|error| Failure::new(format!("--from: {error}")))
}

/// Replaces what `flags` has otherwise than `default`.
fn overlay(image: &mut Value, flags: Value, default: &Value) {
    match (image, flags, default) {
        (Value::Object(image), Value::Object(flags), Value::Object(default)) => {
            for (name, value) in flags {
                let default = default.get(&name).unwrap_or(&Value::Null);
                match image.get_mut(&name) {
                    Some(image) => overlay(image, value, default),
                    None => drop(image.insert(name, value)),
                }
            }
        }
        (image, flags, default) if flags != *default => *image = flags,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use sd_engine::{HiresPass, HiresSize};
    use sd_pipeline::{Request, SamplerOption, Schedule};

    use super::*;

    fn job() -> Job {
        let request = Request {
            sampler: Some("ddim".parse().unwrap()),
            options: vec![(SamplerOption::Eta, 0.5)],
            steps: Some(20),
            seed: 5,
            clip_skip: Some(2),
            ..Request::new("a house")
        };
        Job::new(request)
    }

    #[test]
    fn flags_replace_what_they_name() {
        let mut flags = Job::new(Request { steps: Some(7), seed: 5, ..Request::default() });
        flags.request.guidance_options.rescale = 0.7;
        flags.hires =
            Some(HiresPass { size: HiresSize::Factor(2.0), steps: None, strength: 0.5, upscaler: "latent".into() });
        let found = overlaid(job(), &flags).unwrap();
        let mut wanted = job();
        wanted.request.steps = Some(7);
        wanted.request.guidance_options.rescale = 0.7;
        wanted.hires = flags.hires.clone();
        assert_eq!(found, wanted);
    }

    #[test]
    fn without_flags_nothing_changes() {
        let flags = Job::new(Request { seed: 5, ..Request::default() });
        assert_eq!(overlaid(job(), &flags).unwrap(), job());
    }

    #[test]
    fn another_sampler_does_not_keep_the_options_and_a_list_not_the_steps() {
        let sampler = Some("euler".parse().unwrap());
        let schedule = Some(Schedule::Timesteps(vec![999.0, 500.0]));
        let found = overlaid(job(), &Job::new(Request { sampler, schedule, ..Request::default() })).unwrap();
        assert_eq!((found.request.options, found.request.steps), (Vec::new(), None));
    }
}
