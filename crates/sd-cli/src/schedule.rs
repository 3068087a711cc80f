//! `--schedule`: a name, a list, or a file of `sd tune`.

use std::path::Path;

use sd_pipeline::{SamplerName, Schedule};
use sd_tune::{Steps, TunedSchedule};

use crate::failure::Failure;

/// The schedule of the flag, and the sampler: the one that is named, or that of a tuned schedule.
pub fn read(
    text: Option<&str>,
    named: Option<SamplerName>,
) -> Result<(Option<Schedule>, Option<SamplerName>), Failure> {
    let Some(text) = text else { return Ok((None, named)) };
    let path = Path::new(text);
    if !is_file(path) {
        return Ok((Some(text.parse()?), named));
    }
    let tuned = TunedSchedule::read(path).map_err(|error| Failure::from(error).with_flag("--schedule"))?;
    let own: SamplerName = tuned.sampler.parse()?;
    if let Some(named) = named.filter(|named| *named != own) {
        let reason = format!("it is for the sampler {own}, and --sampler is {named}: leave --sampler out");
        return Err(Failure::usage(format!("--schedule {text}: {reason}")));
    }
    Ok((Some(of_steps(tuned.steps())), Some(own)))
}

/// Whether a path is that of a tuned schedule: its name ends in `.json`.
pub fn is_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// The schedule of a request for some steps, whose sampler it has besides.
pub fn of_steps(Steps { levels, weights, .. }: Steps) -> Schedule {
    let sigmas = levels.into();
    match weights {
        Some(weights) => Schedule::Multistep { sigmas, weights },
        None => Schedule::Sigmas(sigmas),
    }
}
