use crate::Image;

/// Pixels between the images of a sheet.
const GAP: usize = 2;

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
}
