use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::{FilterType, crop_imm, resize};
use sd_pipeline::Image;

use super::captions::Captions;
use super::conditions;
use super::dataset::Dataset;
use super::files::{EXTENSIONS, Files};
use super::framing::Framing;
use super::named_folder::NamedFolder;
use super::partners::Partners;
use super::shape::Shape;
use crate::event::busy;
use crate::limits::check_images;
use crate::{Recipe, RecipeError, Watch};

/// Reads the images of a folder and its subfolders, sorted by name, each cropped and scaled to that of the shapes whose ratio is nearest.
/// Returns a dataset for each shape that has images; the first one has the files that are left out.
///
/// An image that cannot be read, or lacks a caption, a condition or a mask that it needs, is left out.
pub(super) fn read(
    recipe: &Recipe,
    folder: &Path,
    shapes: &[Shape],
    watch: &mut Watch,
) -> Result<Vec<Dataset>, RecipeError> {
    const READING: &str = "reading the images";
    busy(watch, READING, 0, 0)?;
    let with_captions = recipe.reads_captions();
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
    let (mut buckets, mut skipped) = (BTreeMap::new(), Vec::new());
    if let [shape] = shapes {
        buckets.insert(*shape, Dataset::with_room(recipe, total)?);
    }
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
            let shape = Shape::nearest(shapes, image.width, image.height);
            let partner = |partners: &Option<Partners>| -> Result<Vec<u8>, String> {
                let partner = partners.as_ref().map(|partners| partners.read(&file, &image)).transpose()?;
                Ok(partner.map_or(Vec::new(), |partner| fitted(partner, shape).0))
            };
            let partners = [partner(&conditions)?, partner(&masks)?];
            Ok((caption, shape, fitted(image, shape), partners))
        };
        match caption.and_then(read).and_then(with_white_in_mask) {
            Ok((caption, shape, (rgb, framing), [condition, mask])) => {
                let Shape { width, height } = shape;
                let images = buckets.entry(shape).or_insert_with(|| Dataset { width, height, ..Dataset::default() });
                images.rgb.extend(rgb);
                images.framings.push(framing);
                images.conditions.extend(condition);
                images.masks.extend(mask.chunks_exact(3).map(|pixel| pixel[0]));
                images.captions.push(caption);
                if recipe.data.folder_repeats {
                    images.repeats.push(named.map_or(1, |named| named.repeats));
                }
            }
            Err(reason) => skipped.push((file, reason)),
        }
    }
    skipped.extend(captions.bad);
    let mut buckets: Vec<Dataset> = buckets.into_values().filter(|images| !images.is_empty()).collect();
    match buckets.first_mut() {
        Some(first) => first.skipped = skipped,
        None => {
            let (file, reason) = &skipped[0];
            return Err(wrong(format!("none of its images can be used; {}: {reason}", file.display())));
        }
    }
    Ok(buckets)
}

/// What is read of an image: its caption, its shape, its pixels and their framing, its condition and its mask.
type Read = (String, Shape, (Vec<u8>, Framing), [Vec<u8>; 2]);

/// Refuses an image of which nothing would be learnt.
fn with_white_in_mask(read: Read) -> Result<Read, String> {
    let (_, _, _, [_, mask]) = &read;
    let is_black = !mask.is_empty() && mask.iter().all(|byte| *byte == 0);
    if is_black { Err("its mask is black all over".into()) } else { Ok(read) }
}

/// Returns the middle of an image in the proportions of a shape, scaled to it, and what became of the image.
pub(super) fn fitted(image: Image, shape: Shape) -> (Vec<u8>, Framing) {
    let (width, height) = (image.width, image.height);
    // The largest part in these proportions.
    let part = |side: usize, of: usize, to: usize| ((side * to) as f64 / of as f64).round().max(1.0) as usize;
    let (inner_width, inner_height) = match width * shape.height > height * shape.width {
        true => (part(height, shape.height, shape.width), height),
        false => (width, part(width, shape.width, shape.height)),
    };
    let image = RgbImage::from_raw(width as u32, height as u32, image.rgb).expect("three bytes for each pixel");
    let (left, top) = ((width - inner_width) / 2, (height - inner_height) / 2);
    let middle = crop_imm(&image, left as u32, top as u32, inner_width as u32, inner_height as u32).to_image();
    let rgb = resize(&middle, shape.width as u32, shape.height as u32, FilterType::Lanczos3).into_raw();
    (rgb, Framing::new([width, height], [left, top], shape.height as f64 / inner_height as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_is_that_of_the_scaled_image() {
        let image = |width, height| Image { width, height, rgb: vec![9; 3 * width * height] };
        for (width, height, time_ids) in
            [(200, 100, [100.0, 200.0, 0.0, 25.0, 50.0, 50.0]), (50, 70, [70.0, 50.0, 10.0, 0.0, 50.0, 50.0])]
        {
            let (rgb, framing) = fitted(image(width, height), Shape::square(50));
            assert_eq!((rgb.len(), framing.time_ids(50, 50)), (3 * 50 * 50, time_ids));
        }
    }
}
