//! Parts of a model that are made or chosen when a training begins and must not change after, because the weights depend
//! on them. They are kept with the checkpoint.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use sd_weights::make_folder_atomically;

use super::folder::copy;
use crate::{Recipe, RecipeError};

/// Returns the folder of such a part, if the training has begun.
pub(super) fn kept(recipe: &Recipe, part: &str) -> Option<PathBuf> {
    // Earlier versions kept it only in the model folder.
    let places = [recipe.checkpoint(), recipe.model()].map(|folder| folder.join(part));
    places.into_iter().find(|folder| recipe.has_begun() && folder.is_dir())
}

/// Returns the folder in which such a part is kept. If the training begins, `make` writes the part first.
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
        let reason = "it belongs to the checkpoint and is missing: restore it, or name another `output` to start over";
        return Err(RecipeError::io(&place)(Error::new(ErrorKind::NotFound, reason)));
    }
    // It may be left over from a training that ended before its first checkpoint.
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
