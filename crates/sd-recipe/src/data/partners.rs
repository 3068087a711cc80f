use std::path::Path;

use sd_pipeline::Image;

use super::files::EXTENSIONS;

/// Images that belong to those of a folder, such as their conditions or masks: files of the same names, in a folder with the same
/// subfolders.
pub(super) struct Partners<'a> {
    /// What one of them is, for messages.
    pub what: &'static str,
    pub folder: &'a Path,
    /// The folder of the images.
    pub images: &'a Path,
}

impl Partners<'_> {
    /// Reads the partner of an image, or says why there is none.
    pub fn read(&self, file: &Path, image: &Image) -> Result<Image, String> {
        let name = file.strip_prefix(self.images).expect("the image is in its folder");
        let place = self.folder.join(name);
        let candidates = EXTENSIONS.iter().map(|extension| place.with_extension(extension));
        let Some(found) = std::iter::once(place.clone()).chain(candidates).find(|path| path.is_file()) else {
            return Err(format!("no {}: neither {} nor one with another extension", self.what, place.display()));
        };
        let partner = Image::read(&found).map_err(|error| format!("{}: {}", found.display(), error.reason()))?;
        if has_proportions_of(&partner, image) {
            return Ok(partner);
        }
        Err(format!(
            "{} has {}×{} pixels, other proportions than the image's {}×{}",
            found.display(),
            partner.width,
            partner.height,
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
