use std::path::Path;

use sd_image::{Filter, Image};

use crate::BatchError;

/// The longest side of an image on a sheet, in pixels.
const LARGEST: usize = 256;

/// The width of a sheet, in pixels, as long as images stay recognisable.
const WIDTH: usize = 4096;

/// The smallest side of a cell.
const SMALLEST: usize = 48;

/// Pixels between images.
const GAP: usize = 4;

/// Puts images on one sheet in square cells, in about as many rows as columns. Images that are larger than a cell are scaled down.
///
/// # Errors
///
/// Fails if a file cannot be read.
pub fn contact_sheet<'a>(files: impl ExactSizeIterator<Item = &'a Path>) -> Result<Image, BatchError> {
    let columns = (files.len() as f64).sqrt().ceil().max(1.0) as usize;
    let largest = (WIDTH / columns).saturating_sub(GAP).clamp(SMALLEST, LARGEST);
    let images = files.map(|file| Ok(shrink(Image::read(file)?, largest))).collect::<Result<Vec<_>, BatchError>>()?;
    let cell = images.iter().map(|image| image.width.max(image.height)).max().unwrap_or(1);
    let rows = images.len().div_ceil(columns).max(1);
    let (width, height) = (columns * (cell + GAP) + GAP, rows * (cell + GAP) + GAP);
    let mut rgb = vec![255; width * height * 3];
    for (index, image) in images.iter().enumerate() {
        let left = GAP + index % columns * (cell + GAP) + (cell - image.width) / 2;
        let top = GAP + index / columns * (cell + GAP) + (cell - image.height) / 2;
        for (y, row) in image.rgb.chunks_exact(3 * image.width).enumerate() {
            let start = ((top + y) * width + left) * 3;
            rgb[start..start + row.len()].copy_from_slice(row);
        }
    }
    Ok(Image { width, height, rgb })
}

/// The image with its longer side in `cell`, unless it is smaller.
fn shrink(image: Image, cell: usize) -> Image {
    let longer = image.width.max(image.height);
    if longer <= cell {
        return image;
    }
    let scaled = |side: usize| (side * cell / longer).max(1);
    image.resize(scaled(image.width), scaled(image.height), Filter::Lanczos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_all_shapes_are_scaled_into_the_middle_of_their_cells() {
        let folder = tempfile::tempdir().unwrap();
        let save = |name: &str, width: usize, height: usize, grey: u8| {
            let path = folder.path().join(name);
            Image { width, height, rgb: vec![grey; width * height * 3] }.save(&path).unwrap();
            path
        };
        let files = [save("wide.png", 512, 128, 10), save("small.png", 2, 2, 20), save("tall.png", 64, 512, 30)];
        let sheet = contact_sheet(files.iter().map(AsRef::as_ref)).unwrap();
        let side = 2 * 256 + 3 * GAP;
        assert_eq!((sheet.width, sheet.height), (side, side));
        let grey = |x: usize, y: usize| sheet.rgb[(y * side + x) * 3];
        let middle = GAP + 128;
        assert_eq!([grey(middle, middle), grey(middle + 260, middle), grey(middle, middle + 260)], [10, 20, 30]);
        // 512×128 becomes 256×64: white above and below.
        assert_eq!([grey(GAP, middle - 33), grey(GAP, middle - 32), grey(GAP + 255, middle + 31)], [255, 10, 10]);
        assert_eq!([grey(middle + 260 - 2, middle), grey(middle + 260, middle + 260)], [255, 255]);
    }
}
