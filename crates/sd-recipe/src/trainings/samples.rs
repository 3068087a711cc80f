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
        let total = requests.len();
        busy(watch, DRAWING, done, total)?;
        let plan = pipeline.plan(request)?;
        let drawn = pipeline
            .drawing(&plan)
            .watch(&mut |_| -> ControlFlow<()> { watch(&Event::Busy { what: DRAWING, done, total }) })
            .run();
        images.push(match drawn {
            Err(Error::Cancelled { .. }) => return Err(RecipeError::Interrupted { what: DRAWING }),
            drawn => drawn?.image,
        });
    }
    Ok(images)
}
