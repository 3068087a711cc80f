use sd_pipeline::Image;

/// Pixels between the images of a sheet.
const GAP: usize = 2;

/// Images in a row of samples.
pub(crate) const COLUMNS: usize = 8;

/// Puts images of one size side by side in rows of `columns`, on white.
pub fn sheet(images: &[Image], columns: usize) -> Image {
    let (width, height) = images.first().map_or((0, 0), |image| (image.width, image.height));
    let columns = columns.clamp(1, images.len().max(1));
    let rows = images.len().div_ceil(columns);
    let (whole_width, whole_height) = (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP);
    let mut rgb = vec![255; whole_width * whole_height * 3];
    for (i, image) in images.iter().enumerate() {
        let (left, top) = (GAP + i % columns * (width + GAP), GAP + i / columns * (height + GAP));
        for (y, row) in image.rgb.chunks(3 * width).enumerate() {
            let start = ((top + y) * whole_width + left) * 3;
            rgb[start..start + row.len()].copy_from_slice(row);
        }
    }
    Image { width: whole_width, height: whole_height, rgb }
}

/// Puts rows of images on a sheet, each row above the row of the others that belong to them.
pub(crate) fn rows_above_rows(images: &[Image], others: &[Image]) -> Image {
    let columns = images.len().clamp(1, COLUMNS);
    let pairs = images.chunks(columns).zip(others.chunks(columns));
    sheet(&pairs.flat_map(|(above, below)| [above, below].concat()).collect::<Vec<Image>>(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_stand_in_rows_with_gaps_between() {
        let image = |byte| Image { width: 1, height: 1, rgb: vec![byte; 3] };
        let sheet = sheet(&[image(1), image(2), image(3)], 2);
        assert_eq!((sheet.width, sheet.height), (8, 8));
        let red = |x: usize, y: usize| sheet.rgb[(y * 8 + x) * 3];
        assert_eq!([red(2, 2), red(5, 2), red(2, 5), red(5, 5), red(0, 0)], [1, 2, 3, 255, 255]);
    }

    #[test]
    fn images_stand_above_their_partners() {
        let images = |bytes: [u8; 3]| bytes.map(|byte| Image { width: 1, height: 1, rgb: vec![byte; 3] });
        let sheet = rows_above_rows(&images([1, 2, 3]), &images([4, 5, 6]));
        let red = |x: usize, y: usize| sheet.rgb[(y * sheet.width + x) * 3];
        assert_eq!([[2, 5, 8].map(|x| red(x, 2)), [2, 5, 8].map(|x| red(x, 5))], [[1, 2, 3], [4, 5, 6]]);
    }
}
