use sd_scenes::Split;

use super::dataset::Dataset;
use super::shape::Shape;
use super::{conditions, folder, scenes};
use crate::{Recipe, RecipeError, Watch};

impl Dataset {
    /// Reads or draws the images of a recipe, which become squares.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Data`] if no image can be used, [`RecipeError::Io`] if the folder cannot be read, and
    /// [`RecipeError::Interrupted`] if `watch` stops it.
    pub fn read(recipe: &Recipe, watch: &mut Watch) -> Result<Self, RecipeError> {
        let mut squares = Self::read_as(recipe, &[Shape::square(recipe.data.size)], watch)?;
        Ok(squares.remove(0))
    }

    /// Reads or draws the images of a recipe, one dataset for each of the shapes that has images. The first one has the files that are
    /// left out.
    pub(crate) fn read_as(recipe: &Recipe, shapes: &[Shape], watch: &mut Watch) -> Result<Vec<Self>, RecipeError> {
        let buckets = match (&recipe.data.folder, recipe.data.scenes) {
            (Some(folder), _) => folder::read(recipe, folder, shapes, watch)?,
            (None, count) => vec![scenes::draw(recipe, Split::Train, count.unwrap_or_default(), watch)?],
        };
        let prepared = |images| -> Result<Self, RecipeError> {
            let images = with_trigger(recipe, conditions::preprocess(recipe, images, watch)?);
            Ok(if recipe.data.flip { with_mirrored(images) } else { images })
        };
        buckets.into_iter().map(prepared).collect()
    }

    /// Returns the images of the samples: held-out scenes, or the first images of the folder.
    pub(crate) fn for_samples(&self, recipe: &Recipe, watch: &mut Watch) -> Result<Self, RecipeError> {
        let count = recipe.samples.count;
        if recipe.data.scenes.is_some() {
            let scenes = scenes::draw(recipe, Split::HeldOut, count, watch)?;
            return Ok(with_trigger(recipe, conditions::preprocess(recipe, scenes, watch)?));
        }
        Ok(self.first(count))
    }
}

/// Puts the recipe's trigger in front of all captions.
fn with_trigger(recipe: &Recipe, mut images: Dataset) -> Dataset {
    if let Some(trigger) = &recipe.data.trigger {
        for caption in &mut images.captions {
            *caption = if caption.is_empty() { trigger.clone() } else { format!("{trigger}, {caption}") };
        }
    }
    images
}

/// Adds each image once more, mirrored from left to right.
fn with_mirrored(images: Dataset) -> Dataset {
    let row = 3 * images.width;
    let mirrored = |rgb: &[u8]| -> Vec<u8> {
        rgb.chunks_exact(row.max(1)).flat_map(|row| row.rchunks_exact(3).flatten()).copied().collect()
    };
    let mirrored_masks: Vec<u8> =
        images.masks.chunks_exact(images.width.max(1)).flat_map(|row| row.iter().rev()).copied().collect();
    Dataset {
        width: images.width,
        height: images.height,
        conditions: [images.conditions.clone(), mirrored(&images.conditions)].concat(),
        captions: [&images.captions[..], &images.captions].concat(),
        repeats: [&images.repeats[..], &images.repeats].concat(),
        // What is cropped is the same on both sides.
        framings: [&images.framings[..], &images.framings].concat(),
        rgb: [images.rgb.clone(), mirrored(&images.rgb)].concat(),
        masks: [images.masks.clone(), mirrored_masks].concat(),
        skipped: images.skipped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrored_images_follow_the_others_with_their_captions() {
        let rgb = vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let images =
            Dataset { width: 2, height: 2, rgb, captions: vec!["a".into()], repeats: vec![3], ..Dataset::default() };
        let both = with_mirrored(Dataset { masks: vec![1, 2, 3, 4], ..images });
        assert_eq!(both.masks, [1, 2, 3, 4, 2, 1, 4, 3]);
        assert_eq!(both.rgb[12..], [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
        assert_eq!((both.captions, both.repeats, both.conditions), (vec!["a".into(); 2], vec![3, 3], vec![]));
    }
}
