use crate::{Image, Mask};

impl Image {
    /// Extends the image by pixels at its four sides, which continue its edges, with the mask that draws them anew.
    pub fn outpaint(&self, top: usize, right: usize, bottom: usize, left: usize) -> (Self, Mask) {
        let (width, height) = (left + self.width + right, top + self.height + bottom);
        let inside = |at: usize, before: usize, size: usize| (before..before + size).contains(&at);
        let nearest = |at: usize, before: usize, size: usize| at.saturating_sub(before).min(size - 1);
        let (mut rgb, mut values) = (Vec::with_capacity(3 * width * height), Vec::with_capacity(width * height));
        for y in 0..height {
            let row = &self.rgb[3 * self.width * nearest(y, top, self.height)..][..3 * self.width];
            for x in 0..width {
                rgb.extend_from_slice(&row[3 * nearest(x, left, self.width)..][..3]);
                let is_old = inside(x, left, self.width) && inside(y, top, self.height);
                values.push(if is_old { 0 } else { 255 });
            }
        }
        (Self { width, height, rgb }, Mask { width, height, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Region;

    #[test]
    fn an_image_is_extended_by_its_edges() {
        let image = Image { width: 2, height: 2, rgb: [1, 2, 3, 4].into_iter().flat_map(|grey| [grey; 3]).collect() };
        let (extended, mask) = image.outpaint(1, 2, 0, 1);
        let greys: Vec<u8> = extended.rgb.iter().step_by(3).copied().collect();
        assert_eq!((extended.width, extended.height), (5, 3));
        assert_eq!(greys, [1, 1, 2, 2, 2, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4]);
        assert_eq!(mask.values, [255, 255, 255, 255, 255, 255, 0, 0, 255, 255, 255, 0, 0, 255, 255]);
        assert_eq!(extended.crop(Region { left: 1, top: 1, right: 3, bottom: 3 }), image);
    }

    #[test]
    fn nothing_added_is_the_image_and_an_empty_mask() {
        let image = Image { width: 3, height: 1, rgb: (0..9).collect() };
        let (extended, mask) = image.outpaint(0, 0, 0, 0);
        assert_eq!((extended, mask.bounding_box()), (image, None));
    }
}
