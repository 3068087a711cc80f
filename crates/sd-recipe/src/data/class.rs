use std::path::Path;

use sd_pipeline::Image;

use super::dataset::Dataset;
use super::files::{EXTENSIONS, Files};
use super::folder::fitted;
use super::shape::Shape;
use crate::event::busy;
use crate::{PriorConfig, Recipe, RecipeError, Watch};

/// Counts the files of images in a folder and its subfolders.
pub(crate) fn count_images(folder: &Path) -> Result<usize, RecipeError> {
    Ok(Files::find(folder, &[])?.images.len())
}

impl Dataset {
    /// Returns a grey image in the place of those of a class, which a rehearsal does not draw.
    pub(crate) fn blank_of_class(recipe: &Recipe, prior: &PriorConfig) -> Self {
        let size = recipe.data.size;
        Self {
            width: size,
            height: size,
            rgb: vec![128; 3 * size * size],
            captions: vec![prior.prompt.clone()],
            ..Self::default()
        }
    }

    /// Reads the first images of a class, sorted by name, which all have the prompt of the class as their caption.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(crate) fn of_class(
        recipe: &Recipe,
        prior: &PriorConfig,
        folder: &Path,
        watch: &mut Watch,
    ) -> Result<Self, RecipeError> {
        let mut files = Files::find(folder, &[])?.images;
        files.truncate(prior.images);
        let mut images = Self::with_room(recipe, files.len())?;
        let total = files.len();
        for (done, file) in files.into_iter().enumerate() {
            busy(watch, "reading images of the class", done, total)?;
            match Image::read(&file) {
                Ok(image) => {
                    let (rgb, framing) = fitted(image, Shape::square(recipe.data.size));
                    images.rgb.extend(rgb);
                    images.framings.push(framing);
                    images.captions.push(prior.prompt.clone());
                }
                Err(error) => images.skipped.push((file, error.reason())),
            }
        }
        if images.is_empty() {
            let reason = match images.skipped.first() {
                Some((file, reason)) => format!("none of its images can be used; {}: {reason}", file.display()),
                None => format!("no images in it: looked for .{}", EXTENSIONS.join(", .")),
            };
            return Err(RecipeError::Data { folder: folder.to_path_buf(), reason });
        }
        Ok(images)
    }
}
