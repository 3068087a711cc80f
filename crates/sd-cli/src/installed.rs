//! Schedules of `sd tune` that a model is drawn with by default: files beside it, one for each number of steps.

use std::fs;
use std::path::{Path, PathBuf};

use sd_engine::Job;
use sd_pipeline::SamplerName;
use sd_tune::{TuneError, TunedSchedule};

use crate::failure::Failure;
use crate::progress::Progress;
use crate::schedule::of_steps;

/// The file for a number of steps: in `tuned/` in the model's folder, or in `NAME.tuned/` beside a single file.
pub fn file(model: &Path, steps: usize) -> PathBuf {
    folder(model).join(format!("{steps}.json"))
}

/// The schedules for a model, by their number of steps.
pub fn all(model: &Path) -> Result<Vec<TunedSchedule>, TuneError> {
    let folder = folder(model);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(_) if !folder.exists() => return Ok(Vec::new()),
        Err(source) => return Err(TuneError::Io { path: folder, source }),
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| crate::schedule::is_file(path));
    let mut found = paths.map(|path| TunedSchedule::read(&path)).collect::<Result<Vec<_>, _>>()?;
    found.sort_by_key(|tuned| tuned.levels.steps());
    Ok(found)
}

/// Takes the schedule for the model and the number of steps of a job, if there is one, and says so; not for a job that names a schedule,
/// another sampler or a sampler's options.
pub fn add_to(job: &mut Job, progress: &Progress) -> Result<(), Failure> {
    let (Some(model), Some(steps)) = (&job.model, job.request.steps) else { return Ok(()) };
    let file = file(Path::new(model), steps);
    let request = &mut job.request;
    if request.schedule.is_some() || !request.options.is_empty() || !file.exists() {
        return Ok(());
    }
    let tuned = TunedSchedule::read(&file)?;
    let own: SamplerName = tuned.sampler.parse()?;
    if tuned.levels.steps() != steps || request.sampler.is_some_and(|named| named != own) {
        return Ok(());
    }
    progress.note(&format!(
        "{steps} steps of {own}, tuned for this model at guidance {}: {}; --sampler or --schedule take others",
        tuned.guidance,
        file.display()
    ));
    request.schedule = Some(of_steps(tuned.steps()));
    request.sampler = Some(own);
    Ok(())
}

fn folder(model: &Path) -> PathBuf {
    if model.is_dir() { model.join("tuned") } else { model.with_extension("tuned") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_are_in_the_models_folder_or_beside_its_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(file(folder.path(), 5), folder.path().join("tuned/5.json"));
        assert_eq!(file(Path::new("models/sd-v1.5.safetensors"), 5), Path::new("models/sd-v1.5.tuned/5.json"));
    }
}
