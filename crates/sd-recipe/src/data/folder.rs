use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::{FilterType, crop_imm, resize};
use sd_pipeline::Image;

use super::captions::Captions;
use super::conditions;
use super::dataset::Dataset;
use super::files::{EXTENSIONS, Files};
use super::named_folder::NamedFolder;
use super::partners::Partners;
use crate::event::busy;
use crate::limits::check_images;
use crate::{Recipe, RecipeError, Watch};

/// Reads the images of a folder and its subfolders, sorted by name, cropped to their middle square and scaled.
///
/// An image that cannot be read, or lacks a caption or a condition it needs, is left out.
pub(super) fn read(recipe: &Recipe, folder: &Path, watch: &mut Watch) -> Result<Dataset, RecipeError> {
    const READING: &str = "reading the images";
    busy(watch, READING, 0, 0)?;
    let (size, with_captions) = (recipe.data.size, recipe.reads_captions());
    let (conditions_folder, masks_folder) = (conditions::folder(recipe), recipe.data.masks.clone());
    let others: Vec<PathBuf> = [
        conditions_folder.clone(),
        masks_folder.clone(),
        recipe.prior_folder(),
        Some(recipe.real_output().join("samples")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let files = Files::find(folder, &others)?;
    let wrong = |reason: String| RecipeError::Data { folder: folder.to_path_buf(), reason };
    if files.images.is_empty() {
        return Err(wrong(format!("no images in it: looked for .{}", EXTENSIONS.join(", ."))));
    }
    check_images(recipe, files.images.len()).map_err(|reason| recipe.wrong(format!("`data.size`: {reason}")))?;
    let captions = if with_captions { Captions::read(&files)? } else { Captions::default() };
    let total = files.images.len();
    let partners = |what, partners| Partners { what, folder: partners, images: folder };
    let conditions = conditions_folder.as_ref().map(|folder| partners("condition", folder));
    let masks = masks_folder.as_ref().map(|folder| partners("mask", folder));
    let mut images = Dataset::with_room(recipe, total)?;
    for (done, file) in files.images.into_iter().enumerate() {
        busy(watch, READING, done, total)?;
        let named = recipe.data.folder_repeats.then(|| NamedFolder::of(&file)).flatten();
        let caption = match &named {
            _ if !with_captions => Ok(String::new()),
            Some(named) => captions.caption(&file).or(Ok(named.caption.clone())),
            None => captions.caption(&file),
        };
        let read = |caption| -> Result<Read, String> {
            let image = Image::read(&file).map_err(|error| error.reason())?;
            let partner = |partners: &Option<Partners>| -> Result<Vec<u8>, String> {
                let partner = partners.as_ref().map(|partners| partners.read(&file, &image)).transpose()?;
                Ok(partner.map_or(Vec::new(), |partner| square(partner, size)))
            };
            let partners = [partner(&conditions)?, partner(&masks)?];
            Ok((caption, square(image, size), partners))
        };
        match caption.and_then(read).and_then(with_white_in_mask) {
            Ok((caption, rgb, [condition, mask])) => {
                images.rgb.extend(rgb);
                images.conditions.extend(condition);
                images.masks.extend(mask.chunks_exact(3).map(|pixel| pixel[0]));
                images.captions.push(caption);
                if recipe.data.folder_repeats {
                    images.repeats.push(named.map_or(1, |named| named.repeats));
                }
            }
            Err(reason) => images.skipped.push((file, reason)),
        }
    }
    images.skipped.extend(captions.bad);
    if images.is_empty() {
        let (file, reason) = &images.skipped[0];
        return Err(wrong(format!("none of its images can be used; {}: {reason}", file.display())));
    }
    Ok(images)
}

/// What is read of an image: its caption, its pixels, its condition and its mask.
type Read = (String, Vec<u8>, [Vec<u8>; 2]);

/// Refuses an image of which nothing would be learnt.
fn with_white_in_mask(read: Read) -> Result<Read, String> {
    let (_, _, [_, mask]) = &read;
    let is_black = !mask.is_empty() && mask.iter().all(|byte| *byte == 0);
    if is_black { Err("its mask is black all over".into()) } else { Ok(read) }
}

/// Returns the square in the middle of an image, scaled to `size`.
pub(super) fn square(image: Image, size: usize) -> Vec<u8> {
    let (width, height) = (image.width as u32, image.height as u32);
    let image = RgbImage::from_raw(width, height, image.rgb).expect("three bytes for each pixel");
    let side = width.min(height);
    let middle = crop_imm(&image, (width - side) / 2, (height - side) / 2, side, side).to_image();
    resize(&middle, size as u32, size as u32, FilterType::Lanczos3).into_raw()
}
