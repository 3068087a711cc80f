use std::ops::ControlFlow;

use sd_image::sheet;
use sd_model::config::SchedulerConfig;
use sd_pipeline::{Error, Image, Pipeline, Request};

use crate::event::busy;
use crate::sheet::COLUMNS;
use crate::{Event, Recipe, RecipeError, Watch};

const DRAWING: &str = "drawing the samples";

impl Recipe {
    /// Refuses samples that cannot be drawn, before anything is trained.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Recipe`].
    pub(super) fn check_samples(&self, request: &Request, scheduler: &SchedulerConfig) -> Result<(), RecipeError> {
        request.check_steps(scheduler).map_err(|error| self.wrong(format!("[samples]: {error}")))
    }
}

/// Draws images one after the other, and returns their sheet.
pub(super) fn draw(pipeline: &Pipeline, requests: &[Request], watch: &mut Watch) -> Result<Image, RecipeError> {
    Ok(sheet(&images(pipeline, requests, watch)?, COLUMNS))
}

/// Draws images one after the other.
pub(super) fn images(pipeline: &Pipeline, requests: &[Request], watch: &mut Watch) -> Result<Vec<Image>, RecipeError> {
    let mut images = Vec::new();
    for (done, request) in requests.iter().enumerate() {
        images.push(draw_one(pipeline, request, (DRAWING, done, requests.len()), watch)?);
    }
    Ok(images)
}

/// Draws one image; `work` is its name in events, how much is done, and how much there is in all.
pub(super) fn draw_one(
    pipeline: &Pipeline,
    request: &Request,
    work: (&'static str, usize, usize),
    watch: &mut Watch,
) -> Result<Image, RecipeError> {
    let (what, done, total) = work;
    busy(watch, what, done, total)?;
    let plan = pipeline.plan(request)?;
    let drawn =
        pipeline.drawing(&plan).watch(&mut |_| -> ControlFlow<()> { watch(&Event::Busy { what, done, total }) }).run();
    match drawn {
        Err(Error::Cancelled { .. }) => Err(RecipeError::Interrupted { what }),
        drawn => Ok(drawn?.image),
    }
}
