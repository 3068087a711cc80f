//! The names of a job as paths, for an engine of the user's own files.

use sd_engine::{EngineError, Job, Kind, Library};

/// Replaces the names of files in a job by their paths in a library. What is inside the program keeps its name.
pub fn by_path(mut job: Job, library: &Library) -> Result<Job, EngineError> {
    let path = |kind: Kind, name: &mut String| -> Result<(), EngineError> {
        let own = library.builtin();
        if own.and_then(|own| own.control).is_some_and(|(control, _)| control == name.as_str()) {
            return Ok(());
        }
        if let Some(path) = library.find(kind, name)?.path {
            *name = path.display().to_string();
        }
        Ok(())
    };
    job.model.iter_mut().try_for_each(|name| path(Kind::Model, name))?;
    job.vae.iter_mut().try_for_each(|name| path(Kind::Vae, name))?;
    job.loras.iter_mut().try_for_each(|lora| path(Kind::Lora, &mut lora.name))?;
    job.embeddings.iter_mut().try_for_each(|embedding| path(Kind::Embedding, &mut embedding.name))?;
    job.controls.iter_mut().try_for_each(|name| path(Kind::Control, name))?;
    job.image_adapters.iter_mut().try_for_each(|adapter| {
        path(Kind::Control, &mut adapter.name)?;
        adapter.encoder.iter_mut().try_for_each(|encoder| path(Kind::Control, encoder))
    })?;
    if let Some(hires) = &mut job.hires
        && hires.library_upscaler().is_none()
    {
        path(Kind::Upscaler, &mut hires.upscaler)?;
    }
    job.refiner.iter_mut().try_for_each(|refiner| path(Kind::Model, &mut refiner.model))?;
    Ok(job)
}
