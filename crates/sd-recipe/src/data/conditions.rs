use std::path::{Path, PathBuf};

use sd_pipeline::Image;

use super::dataset::Dataset;
use super::files::EXTENSIONS;
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

/// The conditions of the images of a folder: files of the same names, in a folder with the same subfolders.
pub(super) struct Conditions<'a> {
    pub folder: &'a Path,
    /// The folder of the images.
    pub images: &'a Path,
}

impl Conditions<'_> {
    /// Reads the condition of an image, or says why there is none.
    pub fn read(&self, file: &Path, image: &Image) -> Result<Image, String> {
        let name = file.strip_prefix(self.images).expect("the image is in its folder");
        let place = self.folder.join(name);
        let candidates = EXTENSIONS.iter().map(|extension| place.with_extension(extension));
        let Some(found) = std::iter::once(place.clone()).chain(candidates).find(|path| path.is_file()) else {
            return Err(format!("no condition: neither {} nor one with another extension", place.display()));
        };
        let condition = Image::read(&found).map_err(|error| format!("{}: {}", found.display(), error.reason()))?;
        if has_proportions_of(&condition, image) {
            return Ok(condition);
        }
        Err(format!(
            "{} has {}×{} pixels, other proportions than the image's {}×{}",
            found.display(),
            condition.width,
            condition.height,
            image.width,
            image.height
        ))
    }
}

/// Whether the sides of two images have the same ratio, up to one pixel by which a size may have been rounded.
fn has_proportions_of(one: &Image, other: &Image) -> bool {
    let side = |length: usize| length as f64;
    let (width, height) = (side(one.width), side(one.height));
    let expected = height * side(other.width) / side(other.height);
    let of_expected = width * side(other.height) / side(other.width);
    (width - expected).abs() <= 1.0 || (height - of_expected).abs() <= 1.0
}

/// The folder of conditions of a recipe, which is no part of its images.
pub(super) fn folder(recipe: &Recipe) -> Option<PathBuf> {
    recipe.control.as_ref().and_then(|control| control.folder.clone())
}
