use sd_pipeline::Image;

/// Pixels between the pictures of a sheet.
const GAP: usize = 2;

/// Pictures of one size side by side, in rows of `columns`, on white.
pub fn sheet(pictures: &[Image], columns: usize) -> Image {
    let (width, height) = pictures.first().map_or((0, 0), |picture| (picture.width, picture.height));
    let columns = columns.clamp(1, pictures.len().max(1));
    let rows = pictures.len().div_ceil(columns);
    let (whole_width, whole_height) = (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP);
    let mut rgb = vec![255; whole_width * whole_height * 3];
    for (i, picture) in pictures.iter().enumerate() {
        let (left, top) = (GAP + i % columns * (width + GAP), GAP + i / columns * (height + GAP));
        for (y, row) in picture.rgb.chunks(3 * width).enumerate() {
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
    fn pictures_stand_in_rows_with_gaps_between() {
        let picture = |byte| Image { width: 1, height: 1, rgb: vec![byte; 3] };
        let sheet = sheet(&[picture(1), picture(2), picture(3)], 2);
        assert_eq!((sheet.width, sheet.height), (8, 8));
        let at = |x: usize, y: usize| sheet.rgb[(y * 8 + x) * 3];
        assert_eq!([at(2, 2), at(5, 2), at(2, 5), at(5, 5), at(0, 0)], [1, 2, 3, 255, 255]);
    }
}
