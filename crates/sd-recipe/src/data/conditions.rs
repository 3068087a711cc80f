use std::path::PathBuf;

use super::dataset::Dataset;
use crate::event::busy;
use crate::{Recipe, RecipeError, Watch};

/// Makes the condition of each image, if the recipe names a preprocessor.
pub(super) fn preprocess(recipe: &Recipe, images: Dataset, watch: &mut Watch) -> Result<Dataset, RecipeError> {
    let Some(preprocessor) = recipe.control.as_ref().and_then(|control| control.condition) else { return Ok(images) };
    let mut conditions = Vec::with_capacity(images.rgb.len());
    for index in 0..images.len() {
        busy(watch, "making the conditions", index, images.len())?;
        conditions.extend(preprocessor.apply(&images.image(index)).rgb);
    }
    Ok(Dataset { conditions, ..images })
}

/// The folder of conditions of a recipe, which is no part of its images.
pub(super) fn folder(recipe: &Recipe) -> Option<PathBuf> {
    recipe.control.as_ref().and_then(|control| control.folder.clone())
}
