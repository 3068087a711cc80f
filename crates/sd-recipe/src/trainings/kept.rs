//! Parts of a model that are made or chosen as a training begins, and must stay as they are while it goes on: the weights
//! are of no use with others. They are kept with the checkpoint.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use sd_weights::make_folder_atomically;

use super::folder::copy;
use crate::{Recipe, RecipeError};

/// The folder of such a part, where the training has begun.
pub(super) fn kept(recipe: &Recipe, part: &str) -> Option<PathBuf> {
    // Earlier versions kept it in the model's folder alone.
    let places = [recipe.checkpoint(), recipe.model()].map(|folder| folder.join(part));
    places.into_iter().find(|folder| recipe.has_begun() && folder.is_dir())
}

/// Keeps such a part, which `make` writes to a folder unless the training has begun.
pub(super) fn keep(
    recipe: &Recipe,
    part: &str,
    make: impl FnOnce(&Path) -> Result<(), RecipeError>,
) -> Result<PathBuf, RecipeError> {
    let place = recipe.checkpoint().join(part);
    let kept = kept(recipe, part);
    if kept.as_ref() == Some(&place) {
        return Ok(place);
    }
    if kept.is_none() && recipe.has_begun() {
        let reason = "it belongs to the checkpoint, and is missing: put it back, or begin anew in another `output`";
        return Err(RecipeError::io(&place)(Error::new(ErrorKind::NotFound, reason)));
    }
    // It may be what is left of a training that ended before its first checkpoint.
    if place.exists() {
        fs::remove_dir_all(&place).map_err(RecipeError::io(&place))?;
    }
    fs::create_dir_all(recipe.checkpoint()).map_err(RecipeError::io(&place))?;
    make_folder_atomically(&place, RecipeError::io(&place), |partial| match &kept {
        Some(kept) => copy(kept, partial),
        None => make(partial),
    })?;
    Ok(place)
}
