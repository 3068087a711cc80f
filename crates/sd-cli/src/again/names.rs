//! The names of a job as paths, for an engine of the user's own files.

use sd_engine::{EngineError, Job, Library};

/// Replaces the names of files in a job by their paths in a library. What is inside the program keeps its name.
pub fn by_path(mut job: Job, library: &Library) -> Result<Job, EngineError> {
    for (kind, name) in job.names_mut() {
        if let Some(path) = library.find(kind, name)?.path {
            *name = path.display().to_string();
        }
    }
    Ok(job)
}
