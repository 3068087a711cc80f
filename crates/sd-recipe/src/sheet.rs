use sd_image::sheet;
use sd_pipeline::Image;

/// Images in a row of samples.
pub(crate) const COLUMNS: usize = 8;

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
    fn images_stand_above_their_partners() {
        let images = |bytes: [u8; 3]| bytes.map(|byte| Image { width: 1, height: 1, rgb: vec![byte; 3] });
        let sheet = rows_above_rows(&images([1, 2, 3]), &images([4, 5, 6]));
        let red = |x: usize, y: usize| sheet.rgb[(y * sheet.width + x) * 3];
        assert_eq!([[2, 5, 8].map(|x| red(x, 2)), [2, 5, 8].map(|x| red(x, 5))], [[1, 2, 3], [4, 5, 6]]);
    }
}
