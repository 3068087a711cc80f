use sd_weights::{FolderLock, remove_leftovers};

use crate::{Dataset, Event, Recipe, RecipeError, Watch};

/// Locks the output folder, removes half-written files of killed trainings, and reads the images.
pub(super) fn begin(recipe: &Recipe, watch: &mut Watch) -> Result<(FolderLock, Dataset), RecipeError> {
    let output = &recipe.output;
    let lock = FolderLock::take(output, &format!("the training of {}", recipe.file.display()));
    let lock = lock.map_err(RecipeError::io(output))?;
    [output, &recipe.checkpoint(), &recipe.samples_folder()].into_iter().for_each(|folder| remove_leftovers(folder));
    let images = Dataset::read(recipe, watch)?;
    for (file, reason) in &images.skipped {
        let _ = watch(&Event::Warning(format!("{} is left out: {reason}", file.display())));
    }
    if !images.skipped.is_empty() {
        let (skipped, left) = (images.skipped.len(), images.len());
        let _ = watch(&Event::Warning(format!("{skipped} were left out, {left} images are used")));
    }
    recipe.check_workers(images.len())?;
    Ok((lock, images))
}
