use sd_weights::{FolderLock, remove_leftovers};

use crate::data::Shape;
use crate::{Dataset, Event, Recipe, RecipeError, Watch};

/// Locks the output folder, removes half-written files of killed trainings, and reads the images as squares.
pub(super) fn begin(recipe: &Recipe, watch: &mut Watch) -> Result<(FolderLock, Dataset), RecipeError> {
    let (lock, mut squares) = begin_as(recipe, &[Shape::square(recipe.data.size)], watch)?;
    Ok((lock, squares.remove(0)))
}

/// The same for images in buckets, if the recipe wants them, whose sides are multiples of `multiple`.
pub(super) fn begin_in_buckets(
    recipe: &Recipe,
    multiple: usize,
    watch: &mut Watch,
) -> Result<(FolderLock, Vec<Dataset>), RecipeError> {
    let size = recipe.data.size;
    let shapes = if recipe.data.buckets { Shape::buckets(size, multiple) } else { vec![Shape::square(size)] };
    begin_as(recipe, &shapes, watch)
}

fn begin_as(recipe: &Recipe, shapes: &[Shape], watch: &mut Watch) -> Result<(FolderLock, Vec<Dataset>), RecipeError> {
    let output = &recipe.output;
    let lock = FolderLock::take(output, &format!("the training of {}", recipe.file.display()));
    let lock = lock.map_err(RecipeError::io(output))?;
    [output, &recipe.checkpoint(), &recipe.samples_folder()].into_iter().for_each(|folder| remove_leftovers(folder));
    let buckets = Dataset::read_as(recipe, shapes, watch)?;
    let (count, skipped) = (buckets.iter().map(Dataset::len).sum::<usize>(), &buckets[0].skipped);
    for (file, reason) in skipped {
        let _ = watch(&Event::Warning(format!("{} is left out: {reason}", file.display())));
    }
    if !skipped.is_empty() {
        let _ = watch(&Event::Warning(format!("{} were left out, {count} images are used", skipped.len())));
    }
    recipe.check_workers(count)?;
    Ok((lock, buckets))
}
