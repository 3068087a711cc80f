use sd_scenes::Split;

use super::dataset::Dataset;
use super::{conditions, folder, scenes};
use crate::{Recipe, RecipeError, Watch};

impl Dataset {
    /// Reads or draws the images of a recipe.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Data`] if no image can be used, [`RecipeError::Io`] if the folder cannot be read, and
    /// [`RecipeError::Interrupted`] if `watch` stops it.
    pub fn read(recipe: &Recipe, watch: &mut Watch) -> Result<Self, RecipeError> {
        let images = match (&recipe.data.folder, recipe.data.scenes) {
            (Some(folder), _) => folder::read(recipe, folder, watch),
            (None, count) => scenes::draw(recipe, Split::Train, count.unwrap_or_default(), watch),
        };
        conditions::preprocess(recipe, images?, watch)
    }

    /// Returns the images of the samples: held-out scenes, or the first images of the folder.
    pub(crate) fn for_samples(&self, recipe: &Recipe, watch: &mut Watch) -> Result<Self, RecipeError> {
        let count = recipe.samples.count;
        if recipe.data.scenes.is_some() {
            return conditions::preprocess(recipe, scenes::draw(recipe, Split::HeldOut, count, watch)?, watch);
        }
        Ok(self.first(count))
    }
}
